import { auditRecorded } from '@lineclear/contracts';
import { Clock, startService, type RunningService } from '@lineclear/kit';
import { client, type Person } from '@lineclear/testkit';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { RemoveOldJobs } from '../src/jobs/remove-old-jobs.js';
import { openHouse, recount, type House } from './house.js';

const DAY_MS = 86_400_000;
let house: House;
let ada: Person;
let later: RunningService | undefined;

beforeEach(async () => {
  house = await openHouse();
  ada = house.folk.add('researcher');
  await house.limits({ max_concurrent: 4, user_max_concurrent: 3 });
});
afterEach(async () => {
  await later?.close();
  later = undefined;
  await house?.close();
});

class Days extends Clock {
  constructor(readonly days: number) {
    super();
  }
  override now(): Date {
    return new Date(Date.now() + this.days * DAY_MS);
  }
}
/** The same house, so many days later. */
async function after(days: number, env: Record<string, string> = {}): Promise<RunningService> {
  await later?.close();
  later = await startService(define({ ...house.env, ...env }, { clock: new Days(days) }));
  await later.app.get(RemoveOldJobs).remove();
  return later;
}
const submitted = async (more = {}): Promise<string> => (await house.submit(ada, more)).body.job_id;
const soon = (jobId: string, state: string): Promise<void> =>
  vi.waitFor(async () => expect(await house.status(jobId)).toBe(state));
const count = async (table: string, jobId: string): Promise<number> =>
  (await house.service.database.query(`select 1 from ${table} where job_id = $1`, [jobId])).length;
const spent = async (): Promise<number> => {
  const [row] = await house.service.database.query<{ usd: number }>(
    'select sum(settled_usd) as usd from ledger',
  );
  return row!.usd;
};
const removals = () => house.peer.events(auditRecorded).filter(({ data }) => data.action === 'jobs.expired');

it('removes jobs that ended long ago with all that is theirs, and no other', async () => {
  const [old, second] = [await submitted({ idempotency_key: 'once' }), await submitted()];
  for (const [jobId, cost_usd] of [
    [old, 3],
    [second, 4],
  ] as const) {
    await soon(jobId, 'dispatching');
    await house.started(jobId);
    await soon(jobId, 'running');
    await house.ended(jobId, 'succeeded', { cost_usd });
    await soon(jobId, 'completed');
  }
  const lives = [await submitted(), await submitted(), await submitted(), await submitted()];
  await house.started(lives[0]!);
  await soon(lives[0]!, 'running');
  lives.push(await submitted({ config_name: 'held' }));
  await later?.close();

  await after(89);
  expect(await house.status(old)).toBe('completed');

  const { url } = await after(91);
  expect(await house.row(old)).toEqual({});
  expect((await client(url, ada.token).get(`/api/cloud/jobs/${old}`)).status).toBe(404);
  expect(await count('ledger', old)).toBe(0);
  expect(await count('idempotency_keys', old)).toBe(0);
  expect(await spent()).toBe(7);
  expect(
    await house.service.database.query('select job_id, settled_usd from ledger where attempt = 0'),
  ).toEqual([{ job_id: `past/${ada.principal.user_id}/local`, settled_usd: 7 }]);
  for (const jobId of lives) expect(await house.status(jobId)).not.toBe('undefined');
  expect(await recount(house)).toEqual([]);
  await vi.waitFor(() => expect(removals().map(({ data }) => data.details['removed'])).toEqual([2]));
  expect(removals()[0]!.data).toMatchObject({ by: 'system', target: 'jobs' });
  const { body } = await client(url, ada.token).get('/api/cloud/metrics/prometheus');
  expect(body).toMatch(/^lineclear_jobs_removed_total\{.*\} 2$/m);

  // The next ones are added to what is there.
  await house.ended(lives[0]!, 'succeeded', { cost_usd: 5 });
  await soon(lives[0]!, 'completed');
  await after(92);
  expect(await house.row(lives[0]!)).toEqual({});
  expect(await spent()).toBe(12);
}, 60_000);

it('keeps them for as long as it is told to', async () => {
  const jobId = await submitted();
  await soon(jobId, 'dispatching');
  await house.ended(jobId, 'failed');
  await soon(jobId, 'failed');
  await after(1_000, { LINECLEAR_JOB_RETENTION_DAYS: '0' });
  expect(await house.status(jobId)).toBe('failed');
  await after(200, { LINECLEAR_JOB_RETENTION_DAYS: '300' });
  expect(await house.status(jobId)).toBe('failed');
  await after(33, { LINECLEAR_JOB_RETENTION_DAYS: '32' });
  expect(await house.row(jobId)).toEqual({});
  expect(() => define({ ...house.env, LINECLEAR_JOB_RETENTION_DAYS: '31' })).toThrow(
    'LINECLEAR_JOB_RETENTION_DAYS: must be 0, for ever, or at least 32',
  );
}, 60_000);
