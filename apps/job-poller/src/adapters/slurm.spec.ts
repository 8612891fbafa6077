import { execFileSync } from 'node:child_process';
import { jobConfigs } from '@lineclear/contracts';
import { Secret } from '@lineclear/kit';
import { startFakeSlurm, type FakeSlurm, type FakeSlurmCall, type FakeSlurmJob } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  adapterContract,
  failureIn,
  lookAt,
  submissionTo,
  type ContractCall,
  type ContractWorld,
  type RemoteWord,
} from './adapter-contract.fixture.js';
import { configured } from './provider-config.fixture.js';
import { SlurmAdapter } from './slurm.js';
import { SLURM_FLAGS, SLURM_STATES } from './slurm-objects.js';

const TOKEN = 'jwt-of-the-user';
const STATES: Readonly<Record<RemoteWord, string[]>> = {
  starting: ['RUNNING', 'CONFIGURING'],
  running: ['RUNNING'],
  succeeded: ['COMPLETED'],
  failed: ['FAILED'],
  cancelled: ['CANCELLED'],
};
const CALLS = {
  submit: 'submit',
  find: 'jobs',
  get: 'job',
  list: 'jobs',
  cancel: 'delete',
  logs: 'job',
} as const satisfies Record<ContractCall, FakeSlurmCall>;

interface SlurmWorld extends ContractWorld {
  readonly fake: FakeSlurm;
}

const adapterAt = (base_url: string, more: Readonly<Record<string, unknown>> = {}): SlurmAdapter =>
  new SlurmAdapter(
    'cloud',
    configured('slurm', {
      base_url,
      user_name: 'lineclear',
      secret: 'SLURM_JWT',
      machines: { a100: { tres_per_node: 'gres/gpu:a100:1' } },
      ...more,
    }),
    5_000,
  );

async function open(): Promise<SlurmWorld> {
  const fake = await startFakeSlurm({ token: TOKEN, userName: 'lineclear' });
  const adapter = adapterAt(fake.url);
  const change = (id: string, patch: Partial<FakeSlurmJob>): void => {
    Object.assign(fake.past.find(({ job_id }) => String(job_id) === id) ?? {}, patch);
  };
  const remove = (from: FakeSlurmJob[], id: string): void => {
    from.splice(
      from.findIndex(({ job_id }) => String(job_id) === id),
      1,
    );
  };
  return {
    fake,
    adapter,
    adrift: adapterAt('http://127.0.0.1:9'),
    credential: new Secret(TOKEN),
    wrong: new Secret('not-the-token'),
    config: { command: ['python', 'train.py'] },
    hardware: 'a100',
    runsOf: (key) => fake.past.filter(({ name }) => name === key).length,
    submitted: (key) => fake.past.find(({ name }) => name === key)?.given,
    become: (id, state) => change(id, { job_state: STATES[state] }),
    say: (id, word) => change(id, { job_state: [word] }),
    forget(id) {
      remove(fake.jobs, id);
      remove(fake.past, id);
    },
    failNext: (call, fault) => fake.failNext(CALLS[call], fault),
    async close() {
      await adapter.close();
      await fake.close();
    },
  };
}

adapterContract('slurm', { lists: true, logs: false, words: true, credential: true }, open);

describe('slurm', () => {
  let world: SlurmWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());
  beforeEach(() => {
    world.fake.jobs.length = 0;
    world.fake.past.length = 0;
  });

  const submit = async (
    more: Parameters<typeof submissionTo>[1] = {},
    adapter = world.adapter,
  ): Promise<{ id: string; key: string; job: FakeSlurmJob }> => {
    const submission = submissionTo(world, more);
    const { externalId } = await adapter.submit(submission, world.credential);
    return { id: externalId, key: submission.runKey, job: world.fake.jobs.at(-1)! };
  };
  const error = (error_number: number): unknown => ({
    jobs: [],
    errors: [{ error_number, error: 'so it is' }],
  });

  describe('what it is sent', () => {
    it('is a script with what the machine needs', async () => {
      const adapter = adapterAt(world.fake.url, {
        partition: 'gpu',
        account: 'research',
        qos: 'normal',
        working_directory: '/work',
        machines: { a100: { tres_per_node: 'gres/gpu:1', cpus_per_task: 8, memory_per_node_mb: 64_000 } },
      });
      const config = { script: '#!/bin/bash\nsrun train\n', env: { EPOCHS: '3' }, nodes: 2, tasks: 4 };
      const { key, job } = await submit(
        {
          config,
          jobId: 'job_1',
          outputPath: '/out',
          maxRuntimeSeconds: 3_601,
          env: new Map([['HF_TOKEN', { name: 'hf-token', value: new Secret('hush') }]]),
        },
        adapter,
      );
      const set = (number: number): unknown => ({ set: true, infinite: false, number });
      expect(job.given).toEqual({
        name: key,
        script: '#!/bin/bash\nsrun train\n',
        environment: [
          'PATH=/usr/local/bin:/usr/bin:/bin',
          'EPOCHS=3',
          `LINECLEAR_RUN_KEY=${key}`,
          'LINECLEAR_JOB_ID=job_1',
          'LINECLEAR_ATTEMPT=1',
          'LINECLEAR_OUTPUT_PATH=/out',
          'HF_TOKEN=hush',
        ],
        current_working_directory: '/work',
        requeue: false,
        account: 'research',
        qos: 'normal',
        partition: 'gpu',
        tres_per_node: 'gres/gpu:1',
        cpus_per_task: 8,
        memory_per_node: set(64_000),
        minimum_nodes: 2,
        maximum_nodes: 2,
        tasks: 4,
        time_limit: set(61),
      });
    });

    it('leaves out what nobody said, and follows the job and the machine where they differ', async () => {
      const machines = { a100: { partition: 'a100s' } };
      const adapter = adapterAt(world.fake.url, { partition: 'gpu', machines });
      const config = { command: ['train'], env: { PATH: '/opt/bin' }, working_directory: '/home/me' };
      const { job } = await submit({ config, maxRuntimeSeconds: null }, adapter);
      expect(Object.keys(job.given).toSorted((a, b) => a.localeCompare(b))).toEqual([
        'current_working_directory',
        'environment',
        'name',
        'partition',
        'requeue',
        'script',
      ]);
      expect(job.given).toMatchObject({ partition: 'a100s', current_working_directory: '/home/me' });
      expect(job.given['environment']).toContain('PATH=/opt/bin');
      expect(job.given['environment']).not.toContain('PATH=/usr/local/bin:/usr/bin:/bin');
    });

    it('runs a command as it is, whatever is in its words', async () => {
      const words = ['printf', '%s|', "it's", '$HOME', 'a b', '`id`'];
      const { job } = await submit({ config: { command: words } });
      expect(execFileSync('sh', ['-c', String(job.given['script'])], { encoding: 'utf8' })).toBe(
        "it's|$HOME|a b|`id`|",
      );
    });

    it('is of the version that the configuration names', async () => {
      const fake = await startFakeSlurm({ token: TOKEN, userName: 'lineclear', version: 'v0.0.42' });
      const [newer, older] = [adapterAt(fake.url, { api_version: 'v0.0.42' }), adapterAt(fake.url)];
      await submit({}, newer);
      expect((await failureIn(older.find('k', world.credential))).kind).toBe('unknown');
      expect(fake.jobs).toHaveLength(1);
      await Promise.all([newer.close(), older.close(), fake.close()]);
    });

    it.each([
      [{ hardware: 'h100' }, 'hardware: h100 is not among'],
      [{ config: {} }, 'exactly one of script, command'],
      [{ config: { script: 'sleep 1' } }, 'config.script'],
    ])('is refused with %j', async (more, message) => {
      const failure = await failureIn(submit(more));
      expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining(message) as string });
    });

    it.each([
      { script: '#!/bin/sh', command: ['a'] },
      { command: ['a'], nodes: 0 },
      { command: ['a'], array: '1-3' },
    ])('is refused when it is submitted already: %j', (config) => {
      expect(jobConfigs['slurm']?.safeParse(config).success).toBe(false);
    });
  });

  describe('errors, which have numbers', () => {
    it.each([
      [500, 2000, 'refused'],
      [200, 2066, 'refused'],
      [500, 1007, 'denied'],
      [500, 1802, 'unknown'],
      [200, 9999, 'unknown'],
    ])('with status %s and %s, a submit is %s', async (status, number, kind) => {
      world.failNext('submit', { status, body: error(number) });
      expect((await failureIn(submit())).kind).toBe(kind);
    });

    it.each([
      [500, 1007, 'denied'],
      [500, 1802, 'unknown'],
      [200, 1802, 'unknown'],
      [404, 9000, 'unknown'],
    ])('with status %s and %s, a look is %s', async (status, number, kind) => {
      world.failNext('get', { status, body: error(number) });
      expect((await failureIn(world.adapter.get(['1'], world.credential))).kind).toBe(kind);
    });

    it('of a job that is over already do not fail a stop', async () => {
      const { id } = await submit();
      world.failNext('cancel', { status: 500, body: error(2021) });
      await world.adapter.cancel(id, world.credential);
      world.failNext('cancel', { status: 500, body: error(1802) });
      expect((await failureIn(world.adapter.cancel(id, world.credential))).kind).toBe('unknown');
    });
  });

  describe('what it sees', () => {
    it.each(Object.entries(SLURM_STATES))('%s', async (word, meaning) => {
      const { id } = await submit();
      world.say?.(id, word);
      expect(await lookAt(world, id)).toMatchObject({ ...meaning, word });
    });

    it.each(Object.entries(SLURM_FLAGS))('%s beside a state: %s', async (flag, state) => {
      const { id, job } = await submit();
      job.job_state = ['COMPLETED', flag];
      expect(await lookAt(world, id)).toEqual({ word: `COMPLETED+${flag}`, state });
    });

    it('a state beside a flag that nobody documented', async () => {
      const { id, job } = await submit();
      job.job_state = ['RUNNING', 'PONDERING'];
      expect(await lookAt(world, id)).toMatchObject({ state: 'running', word: 'RUNNING+PONDERING' });
    });

    it.each([
      [{ return_code: { set: true, infinite: false, number: 3 } }, { set: true, number: 1_795_000_000 }],
      [3, 1_795_000_000],
    ])('how it ended, as versions tell it: %j', async (exit_code, end_time) => {
      const { id, job } = await submit();
      Object.assign(job, { job_state: ['FAILED'], exit_code, end_time, state_reason: 'NonZeroExitCode' });
      expect(await lookAt(world, id)).toEqual({
        state: 'failed',
        word: 'FAILED',
        exitCode: 3,
        endedAt: new Date(1_795_000_000_000),
        message: 'NonZeroExitCode',
      });
    });

    it('a state that is one word, as older versions tell it', async () => {
      const { id, job } = await submit();
      Object.assign(job, { job_state: 'RUNNING' });
      expect(await lookAt(world, id)).toMatchObject({ state: 'running' });
    });

    it('an answer that is not as documented as nothing at all', async () => {
      world.failNext('get', { status: 200, body: { jobs: [{ job_id: 1 }] } });
      expect(await failureIn(world.adapter.get(['1'], world.credential))).toMatchObject({
        kind: 'unknown',
        message: expect.stringContaining('job_state') as string,
      });
    });
  });

  describe('a job that the controller has forgotten', () => {
    const minutesAgo = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);

    it('is found in the accounting, and its end is seen there', async () => {
      const { id, key } = await submit();
      await world.become(id, 'succeeded');
      world.fake.jobs.length = 0;
      expect(await world.adapter.find(key, world.credential, minutesAgo(60))).toEqual({ externalId: id });
      expect(await lookAt(world, id)).toMatchObject({
        state: 'succeeded',
        endedAt: new Date(1_795_000_600_000),
      });
    });

    it('is not there for certain where both say so', async () => {
      expect(await world.adapter.find('k', world.credential, minutesAgo(60))).toBeNull();
    });

    it('is no matter of certainty when the accounting does not answer', async () => {
      world.fake.failNext('pastJobs', { status: 502 });
      expect((await failureIn(world.adapter.find('k', world.credential))).kind).toBe('unknown');
    });

    it('may have been there where there is no accounting', async () => {
      const adapter = adapterAt(world.fake.url, { accounting: false });
      expect(await adapter.find('k', world.credential, minutesAgo(3))).toBeNull();
      expect((await failureIn(adapter.find('k', world.credential, minutesAgo(5)))).kind).toBe('unknown');
      const { id } = await submit();
      world.fake.jobs.length = 0;
      expect((await adapter.get([id], world.credential)).size).toBe(0);
    });
  });

  it('lists what is of its user, each once, with one request', async () => {
    const { id, key } = await submit();
    const named = { ...world.fake.jobs[0]!, job_id: 901, name: 'by hand' };
    world.fake.jobs.push(world.fake.jobs[0]!, named, { ...named, job_id: 902, user_name: 'somebody' });
    const before = world.fake.calls['jobs'] ?? 0;
    expect(await world.adapter.list?.([], world.credential)).toEqual([
      expect.objectContaining({ externalId: id, runKey: key, createdAt: new Date(1_795_000_000_000) }),
      expect.objectContaining({ externalId: '901', title: 'by hand' }),
    ]);
    expect(world.fake.calls['jobs']).toBe(before + 1);
  });

  it('has no output to hand out', async () => {
    expect(world.adapter.capabilities.logs).toBe(false);
    const part = await world.adapter.logs('1', 'cursor', true, world.credential);
    expect([part.text, part.cursorAt(0), part.more]).toEqual(['', 'cursor', false]);
  });

  it.each([
    [{ api_version: '40' }, 'api_version'],
    [{ user_name: 'a b' }, 'user_name'],
    [{ working_directory: 'tmp' }, 'working_directory'],
    [{ machines: { a: { gpus: 1 } } }, 'machines'],
  ])('is not configured with %j', (more, field) => {
    expect(() => adapterAt('http://127.0.0.1', more)).toThrow(field);
  });
});
