import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { client, type Client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ok, person } from './furnish.js';

let home: string;
let house: House;
let admin: Client;
let ada: Client;
let lea: Client;

const PROD = 'canary-of-the-approved-secret';
const script = 'console.log("length", process.env.PROD_KEY.length)';
const wanting = () => job({ config: { command: [process.execPath, '-e', script] }, secrets: ['PROD_KEY'] });
const setDemand = (requires_approval: boolean) => admin.patch('/api/secrets/PROD_KEY', { requires_approval });
const requestOf = (jobId: string): Promise<{ id: string }> =>
  vi.waitFor(async () => ok(await lea.get(`/api/approvals/requests/job/${jobId}`)));

const job = (more: object) => ({ config_name: 'guarded', hardware: 'local', ...more });
const ends = (who: Client, id: string, as: string): Promise<void> =>
  vi.waitFor(async () => expect(ok(await who.get(`/api/cloud/jobs/${id}`)).status).toBe(as), {
    timeout: 60_000,
    interval: 100,
  });

beforeAll(async () => {
  home = makeScratchFolder('approvals');
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    env: { ...process.env, LINECLEAR_LOG_LEVEL: 'error' },
  });
  admin = client(house.url, house.adminKey);
  [ada, lea] = await Promise.all([
    person(house.url, admin, 'ada', 'researcher'),
    person(house.url, admin, 'lea', 'lead'),
  ]);
  ok(await admin.post('/api/secrets', { name: 'PROD_KEY', value: PROD, requires_approval: true }), 201);
}, 180_000);

afterAll(async () => {
  await house?.stop();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

it('is given to a job that somebody else has approved, whoever submits it', async () => {
  for (const who of [ada, admin]) {
    const submitted = ok(await who.post('/api/cloud/local/submit', wanting()), 202);
    expect(submitted).toMatchObject({
      status: 'pending_approval',
      approval: { reason: 'the secret PROD_KEY needs an approval', required_level: 'lead' },
    });
    const { id } = await requestOf(submitted.job_id);
    expect((await who.post(`/api/approvals/requests/${id}/approve`, {})).status).toBe(403);
    ok(await lea.post(`/api/approvals/requests/${id}/approve`, {}));
    await ends(who, submitted.job_id, 'completed');
    await vi.waitFor(async () =>
      expect(ok(await who.get(`/api/cloud/jobs/${submitted.job_id}/logs`)).logs).toContain(
        `length ${PROD.length}`,
      ),
    );
  }
}, 60_000);

it('is never given to one that was rejected', async () => {
  const { job_id } = ok(await ada.post('/api/cloud/local/submit', wanting()), 202);
  const { id } = await requestOf(job_id);
  // From where the queue is looked at it is the same decision.
  expect((await ada.post(`/api/queue/${job_id}/reject?reason=mine`)).status).toBe(403);
  const { approval_id } = ok(await lea.post(`/api/queue/${job_id}/reject`, { reason: 'not for this' }));
  expect(approval_id).toBe(id);
  await ends(ada, job_id, 'cancelled');
  expect((await ada.get(`/api/secrets/-/jobs/${job_id}`)).status).toBe(404);
}, 60_000);

it('is refused to one that was submitted before it took one', async () => {
  ok(await setDemand(false));
  ok(await admin.post('/api/queue/concurrency', { max_concurrent: 1, user_max_concurrent: 1 }));
  const forEver = job({ config: { command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'] } });
  const first = ok(await ada.post('/api/cloud/local/submit', forEver), 202);
  const { job_id, status } = ok(await ada.post('/api/cloud/local/submit', wanting()), 202);
  expect(status).toBe('queued');
  ok(await setDemand(true));
  ok(await admin.post('/api/queue/concurrency', { max_concurrent: 10, user_max_concurrent: 5 }));
  await ends(ada, job_id, 'failed');
  expect(ok(await ada.get(`/api/cloud/jobs/${job_id}`)).message).toContain('PROD_KEY needs an approval');
  expect(ok(await ada.get(`/api/secrets/-/jobs/${job_id}`)).secrets).toEqual([]);
  ok(await ada.post(`/api/cloud/jobs/${first.job_id}/cancel`), 202);
  await ends(ada, first.job_id, 'cancelled');
}, 60_000);
