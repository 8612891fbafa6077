import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectProblem } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openHouse, type House } from './house.js';

const dir = mkdtempSync(join(tmpdir(), 'lineclear-providers-'));
let house: House;
beforeAll(async () => {
  const file = join(dir, 'lineclear.json');
  const lambda = { type: 'lambda', secret: 'KEY', region: 'us-east-1', ssh_key: 'ops' };
  const hardware = { gpu_1x_a10: { cost_per_hour_usd: 0.75 } };
  writeFileSync(file, JSON.stringify({ providers: { lambda: { ...lambda, hardware } } }));
  house = await openHouse({ LINECLEAR_CONFIG: file });
  house.evaluates();
  house.keepsSecrets();
  house.demandsApproval();
});
afterAll(async () => {
  await house?.close();
  rmSync(dir, { recursive: true });
});

it('refuses a job that nothing would ever end, by the name of what is missing', async () => {
  const as = house.as(house.folk.add('researcher'));
  const job = { config_name: 'tiny', config: { command: ['train'] }, hardware: 'gpu_1x_a10' };
  const refused = await as.post('/api/cloud/lambda/submit', job);
  expect(refused.status).toBe(400);
  expectProblem(refused, 'without max_runtime_seconds', 'max_runtime_seconds');
  const { status } = await as.post('/api/cloud/lambda/submit', { ...job, max_runtime_seconds: 60 });
  expect(status).toBe(202);
  const jobs = await house.service.database.query('select max_runtime_seconds from jobs');
  expect(jobs).toEqual([{ max_runtime_seconds: 60 }]);
});
