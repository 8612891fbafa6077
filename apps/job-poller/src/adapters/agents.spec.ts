import { randomUUID } from 'node:crypto';
import { createLogger, openDatabase, Secret } from '@lineclear/kit';
import { startBackends } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Runs1767225620000 } from '../db/migrations/1767225620000-runs.js';
import { Workers1795800100400 } from '../db/migrations/1795800100400-workers.js';
import { WorkerLogsRepo } from '../db/worker-logs.repo.js';
import { WorkersRepo } from '../db/workers.repo.js';
import { WorkerTasksRepo } from '../db/worker-tasks.repo.js';
import { verdictOn } from '../domain/worker-task.js';
import {
  adapterContract,
  failureIn,
  lookAt,
  submissionTo,
  type ContractWorld,
  type RemoteWord,
} from './adapter-contract.fixture.js';
import { AgentsAdapter } from './agents.js';

const OFFLINE_MS = 120_000;

interface World extends ContractWorld {
  readonly arrivals: string[];
  /** A task that a worker has begun, of which was last heard so long ago. */
  begunBy(runKey: string, silentMs: number): Promise<void>;
  stored(): Promise<string>;
}

async function open(): Promise<World> {
  const backends = await startBackends();
  const url = await backends.database('agents');
  const log = createLogger({ name: 'job-poller', level: 'silent', format: 'json' });
  const database = await openDatabase({
    url,
    poolSize: 2,
    entities: [],
    migrations: [Runs1767225620000, Workers1795800100400],
    log,
  });
  const [tasks, logs, workers] = [new WorkerTasksRepo(), new WorkerLogsRepo(), new WorkersRepo()];
  const arrivals: string[] = [];
  const store = {
    database,
    tasks,
    logs,
    arrived: (provider: string) => void arrivals.push(provider),
    offlineAfterMs: OFFLINE_MS,
  };
  const adapter = new AgentsAdapter('fleet', store);
  const begin = async (runKey: string, workerId: string): Promise<string> => {
    const lease = randomUUID();
    await tasks.take(database, runKey, workerId, lease);
    return lease;
  };
  return {
    adapter,
    adrift: adapter,
    credential: undefined,
    wrong: undefined,
    config: { command: ['python', 'train.py'] },
    hardware: 'a100',
    arrivals,
    runsOf: async (runKey) =>
      (await database.query('select 1 from worker_tasks where run_key = $1', [runKey])).length,
    submitted: () => undefined,
    async become(runKey, state: RemoteWord) {
      const [task] = await tasks.find(database, 'fleet', [runKey], OFFLINE_MS);
      const lease = task?.leaseId ?? (await begin(runKey, randomUUID()));
      if (state === 'starting') return;
      await tasks.begin(database, runKey, lease);
      if (state !== 'running')
        await tasks.end(database, runKey, lease, { state, exitCode: null, message: null });
    },
    async comply(runKey) {
      const [task] = await tasks.find(database, 'fleet', [runKey], OFFLINE_MS);
      expect(verdictOn(task, task?.leaseId ?? '')).toBe('stop');
      await tasks.end(database, runKey, task?.leaseId ?? '', {
        state: 'cancelled',
        exitCode: null,
        message: null,
      });
    },
    async forget(runKey) {
      await database.query('delete from worker_tasks where run_key = $1', [runKey]);
    },
    async write(runKey, text) {
      const ends = await logs.lockEnds(database, runKey);
      await logs.append(database, runKey, {
        beginsAt: ends?.end ?? 0,
        text,
        taken: text.length,
        hidden: [],
      });
    },
    failNext: () => undefined,
    async begunBy(runKey, silentMs) {
      const id = randomUUID();
      const about = { name: id, provider: 'fleet', hardware: ['*'], labels: {} };
      await workers.insert(database, { ...about, id, tokenSha256: id });
      await tasks.begin(database, runKey, await begin(runKey, id));
      await database.query(
        `update workers set seen_at = now() - $2 * interval '1 millisecond' where id = $1`,
        [id, silentMs],
      );
    },
    stored: async () =>
      JSON.stringify(await database.query('select row_to_json(t)::text from worker_tasks t')),
    async close() {
      await database.close();
      await backends.stop();
    },
  };
}

adapterContract('agents', { lists: false, logs: true, words: false, credential: false, calls: false }, open);

let world: World;
beforeAll(async () => {
  world = await open();
});
afterAll(async () => world?.close());

it('tells those who wait that there is a task, and keeps no value of a secret', async () => {
  const value = new Secret('hunter2-hunter2');
  const submission = submissionTo(world, { env: new Map([['HF_TOKEN', { name: 'HF_TOKEN', value }]]) });
  await world.adapter.submit(submission, undefined);
  expect(world.arrivals).toEqual(['fleet']);
  expect(await world.stored()).toContain(submission.runKey);
  expect(await world.stored()).not.toContain('hunter2');
});

it('makes one task of a run that is submitted twice', async () => {
  const submission = submissionTo(world);
  await world.adapter.submit(submission, undefined);
  await world.adapter.submit(submission, undefined);
  expect(await world.runsOf(submission.runKey)).toBe(1);
});

it('knows nothing of a run whose worker is silent for too long', async () => {
  const [heard, silent] = [submissionTo(world), submissionTo(world)];
  for (const one of [heard, silent]) await world.adapter.submit(one, undefined);
  await world.begunBy(heard.runKey, OFFLINE_MS - 60_000);
  await world.begunBy(silent.runKey, OFFLINE_MS + 1_000);
  expect(await lookAt(world, heard.runKey)).toMatchObject({ state: 'running' });
  expect(await lookAt(world, silent.runKey)).toBeUndefined();
});

it('hands on what a bar of progress has written, as it does of a local run', async () => {
  const { externalId } = await world.adapter.submit(submissionTo(world), undefined);
  await world.write?.(externalId, 'step=1/9\rstep=2/9\rste');
  expect((await world.adapter.logs(externalId, null, false, undefined)).text).toBe('step=1/9\rstep=2/9\r');
});

it.each([
  [{ command: [] }, 'config.command'],
  [{ command: ['ls'], labels: { GPU: 'a100' } }, 'config.labels'],
  [{ command: ['ls'], labels: { gpu: '{a,b}' } }, 'config.labels.gpu'],
  [{ command: ['ls'], image: 'acme/train' }, 'image'],
])('refuses %j', async (config, field) => {
  const failure = await failureIn(world.adapter.submit(submissionTo(world, { config }), undefined));
  expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining(field) });
});
