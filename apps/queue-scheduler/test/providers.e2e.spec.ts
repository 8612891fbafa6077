import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pollerPrices } from '@lineclear/contracts';
import { expectProblem } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openHouse, type House } from './house.js';

const dir = mkdtempSync(join(tmpdir(), 'lineclear-providers-'));
let house: House;
let ada: ReturnType<House['folk']['add']>;
beforeAll(async () => {
  const file = join(dir, 'lineclear.json');
  const lambda = { type: 'lambda', secret: 'KEY', region: 'us-east-1', ssh_key: 'ops' };
  const hardware = { gpu_1x_a10: { cost_per_hour_usd: 0.75 } };
  const providers = {
    lambda: { ...lambda, hardware, listed_prices: true },
    closed: { ...lambda, hardware },
    market: { type: 'vast', secret: 'KEY', hardware: { 'RTX 4090': { cost_per_hour_usd: 0.5 } } },
  };
  writeFileSync(file, JSON.stringify({ providers }));
  house = await openHouse({ LINECLEAR_CONFIG: file });
  house.evaluates();
  house.keepsSecrets();
  house.demandsApproval();
  ada = house.folk.add('researcher');
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

it('prices what nobody here priced as the provider’s own list does, and says with whose word', async () => {
  const read_at = new Date().toISOString();
  const asked: string[] = [];
  house.peer.answer(pollerPrices, ({ provider }) => {
    asked.push(provider);
    const hardware = Object.fromEntries(
      ['gpu_1x_a10', 'gpu_1x_h100', 'gpu_8x_h100'].map((name) => [name, { cost_per_hour_usd: 3, gpus: 8 }]),
    );
    return { read_at, hardware };
  });
  const admin = house.as(house.folk.add('admin'));
  const set = { hardware: { gpu_1x_h100: { cost_per_hour_usd: 2 } } };
  // What was known before the list was there is asked for anew.
  expect((await admin.put('/api/cloud/providers/lambda/config', set)).status).toBe(200);
  const { body } = await admin.get('/api/cloud/providers');
  const of = (name: string): unknown =>
    (body as { providers: { name: string; hardware: unknown }[] }).providers.find((one) => one.name === name)
      ?.hardware;
  expect(of('lambda')).toEqual({
    gpu_1x_a10: { cost_per_hour_usd: 0.75, source: 'configuration' },
    gpu_1x_h100: { cost_per_hour_usd: 2, source: 'administrator' },
    gpu_8x_h100: { cost_per_hour_usd: 3, gpus: 8, source: 'provider' },
  });
  // There the price is the most that is paid: what nobody says is not for sale.
  expect(of('market')).toEqual({ 'RTX 4090': { cost_per_hour_usd: 0.5, source: 'configuration' } });
  expect(asked).not.toContain('market');
  // Nobody said that it sells what it lists.
  expect(of('closed')).toEqual({ gpu_1x_a10: { cost_per_hour_usd: 0.75, source: 'configuration' } });
  expect(asked).not.toContain('closed');

  const as = house.as(house.folk.add('researcher'));
  const job = { config_name: 'tiny', config: { command: ['train'] }, max_runtime_seconds: 60 };
  const took = await as.post('/api/cloud/lambda/submit', { ...job, hardware: 'gpu_8x_h100' });
  expect(took).toMatchObject({ status: 202, body: { estimated_cost_usd: 3 } });
  expectProblem(
    await as.post('/api/cloud/market/submit', { ...job, hardware: 'H100 SXM' }),
    'it',
    'hardware',
  );
});

it('keeps what a provider listed while nobody says it', async () => {
  house.peer.stopAnswering(pollerPrices);
  const admin = house.as(house.folk.add('admin'));
  await admin.put('/api/cloud/providers/lambda/config', { hardware: {} });
  const { body } = await admin.get('/api/cloud/providers/lambda/config');
  expect(body).toMatchObject({ hardware: { gpu_8x_h100: { cost_per_hour_usd: 3, gpus: 8 } } });
});

it.each([
  ['submit', {}],
  ['arrays', { config: { command: ['train', '--n={{n}}'] }, parameters: { n: [1, 2] } }],
])('tells of a job again whose hardware is offered no more: %s', async (way, more) => {
  const offer = (hardware: object): Promise<unknown> =>
    house.as(house.folk.add('admin')).put('/api/cloud/providers/closed/config', { hardware });
  const body = { config_name: 'tiny', config: { command: ['train'] }, hardware: 'gpu_1x_gh200', ...more };
  const post = (key: object) =>
    house
      .as(ada)
      .post(`/api/cloud/closed/${way}`, { max_runtime_seconds: 60, ...body, idempotency_key: way, ...key });
  await offer({ gpu_1x_gh200: { cost_per_hour_usd: 2 } });
  const first = await post({});
  expect(first.status, JSON.stringify(first.body)).toBe(202);
  await offer({});
  const { job_id, array_id } = first.body;
  const ids = ({ jobs }: { jobs?: readonly { job_id: string }[] }) => jobs?.map((job) => job.job_id) ?? [];
  const again = await post({});
  expect(again.status, JSON.stringify(again.body)).toBe(202);
  expect([again.body.job_id, again.body.array_id, ids(again.body)]).toEqual([
    job_id,
    array_id,
    ids(first.body),
  ]);
  const another = await post({ idempotency_key: `${way} again` });
  expect(another.status).toBe(400);
  expectProblem(another, 'hardware that is gone', 'hardware');
});
