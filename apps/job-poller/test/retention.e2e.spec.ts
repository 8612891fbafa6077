import { auditRecorded } from '@lineclear/contracts';
import { Clock, startService, type RunningService } from '@lineclear/kit';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { RemoveOldRuns } from '../src/jobs/remove-old-runs.js';
import { keyOf, openBench, PATIENCE, type Bench } from './bench.js';
import { openFleet } from './fleet.js';

const DAY_MS = 86_400_000;
let bench: Bench;
let later: RunningService | undefined;

beforeAll(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await later?.close();
  later = undefined;
});
afterAll(async () => bench?.stop());

class Days extends Clock {
  constructor(readonly days: number) {
    super();
  }
  override now(): Date {
    return new Date(Date.now() + this.days * DAY_MS);
  }
}
/** The same service, so many days later. */
async function after(days: number, env: Record<string, string> = {}): Promise<RunningService> {
  await later?.close();
  later = await startService(define({ ...bench.env, ...env }, { clock: new Days(days) }));
  await later.app.get(RemoveOldRuns).process();
  return later;
}
const runs = (jobId: string) =>
  bench.service.database.query('select id from runs where job_id = $1', [jobId]);
const logs = () => bench.service.database.query('select distinct run_id as id from run_logs');

it('removes runs that ended long ago, with their logs, and none that goes on', async () => {
  bench.provider.set({ finish: 'never' });
  const going = await bench.claim();
  const over = await bench.claim({
    provider: 'local',
    hardware: 'local',
    config: { command: ['echo', 'done'] },
  });
  await bench.end(over);
  const ended = await runs(over.job_id);
  expect(await logs()).toEqual(ended);
  await vi.waitFor(() => expect(bench.started(going)).toHaveLength(1), PATIENCE);

  await after(1_000, { LINECLEAR_JOB_RETENTION_DAYS: '0' });
  await after(89);
  expect(await runs(over.job_id)).toEqual(ended);
  const { app } = await after(91);
  expect(await runs(over.job_id)).toEqual([]);
  expect(await logs()).toEqual([]);
  expect(await runs(going.job_id)).toHaveLength(1);
  await vi.waitFor(() =>
    expect(
      bench.peer
        .events(auditRecorded)
        .filter(({ data }) => data.action === 'runs.expired')
        .map(({ data }) => [data.by, data.details['removed']]),
    ).toEqual([['system', 1]]),
  );
  const { body } = await app.inject({ url: '/metrics' });
  expect(body).toMatch(/^lineclear_runs_removed_total\{.*\} 1$/m);
}, 60_000);

it('removes with a run what a worker had of it', async () => {
  const fleet = await openFleet(bench);
  const worker = await fleet.worker();
  const claim = await fleet.claim();
  const task = await worker.take();
  await worker.log(task, 0, 'done', { is_final: true });
  await worker.status(task, 'succeeded', { exit_code: 0 });
  await bench.end(claim);
  const kept = () =>
    bench.service.database.query(
      'select run_key from worker_tasks where run_key = $1 union all select run_key from worker_logs where run_key = $1',
      [keyOf(claim)],
    );
  expect(await kept()).not.toEqual([]);
  await after(91);
  expect(await kept()).toEqual([]);
}, 60_000);
