import { jobConfigs } from '@lineclear/contracts';
import { Secret } from '@lineclear/kit';
import { startFakeHfJobs, type FakeHfJob, type FakeHfJobs, type FakeHfJobsCall } from '@lineclear/testkit';
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
import { HF_STAGES, HfJobsAdapter } from './hf-jobs.js';
import { configured } from './provider-config.fixture.js';

const TOKEN = 'hf_token-of-the-account';
const STAGES: Readonly<Record<RemoteWord, string>> = {
  starting: 'SCHEDULING',
  running: 'RUNNING',
  succeeded: 'COMPLETED',
  failed: 'ERROR',
  cancelled: 'CANCELED',
};
const CALLS = {
  submit: 'run',
  find: 'list',
  get: 'inspect',
  list: 'list',
  cancel: 'cancel',
  logs: 'logs',
} as const satisfies Record<ContractCall, FakeHfJobsCall>;

interface HfWorld extends ContractWorld {
  readonly fake: FakeHfJobs;
}

const adapterAt = (base_url: string, more: Readonly<Record<string, unknown>> = {}): HfJobsAdapter =>
  new HfJobsAdapter(
    'cloud',
    configured('hf_jobs', { base_url, namespace: 'acme', secret: 'HF_TOKEN', ...more }),
    5_000,
  );

async function open(): Promise<HfWorld> {
  const fake = await startFakeHfJobs({ token: TOKEN, namespace: 'acme' });
  const adapter = adapterAt(fake.url);
  const one = (id: string): FakeHfJob | undefined => fake.jobs.find((job) => job.id === id);
  const stageIs = (id: string, stage: string): void => void Object.assign(one(id)?.status ?? {}, { stage });
  const keyIs = (key: string) => (job: FakeHfJob) => job.labels['lineclear-run-key'] === key;
  return {
    fake,
    adapter,
    adrift: adapterAt('http://127.0.0.1:9'),
    credential: new Secret(TOKEN),
    wrong: new Secret('not-the-token'),
    config: { image: 'trainer:2', command: ['python', 'train.py'] },
    hardware: 'a10g-large',
    runsOf: (key) => fake.jobs.filter(keyIs(key)).length,
    submitted: (key) => fake.jobs.find(keyIs(key))?.given,
    become: (id, state) => stageIs(id, STAGES[state]),
    say: stageIs,
    forget: (id) =>
      void fake.jobs.splice(
        fake.jobs.findIndex((job) => job.id === id),
        1,
      ),
    write: (id, text) => void Object.assign(one(id) ?? {}, { log: (one(id)?.log ?? '') + text }),
    failNext: (call, fault) => fake.failNext(CALLS[call], fault),
    async close() {
      await adapter.close();
      await fake.close();
    },
  };
}

adapterContract('hf_jobs', { lists: true, logs: true, words: true, credential: true }, open);

describe('hf_jobs', () => {
  let world: HfWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());
  beforeEach(() => {
    world.fake.jobs.length = 0;
    world.fake.hardware.length = 0;
    world.fake.afterPage = undefined;
  });

  const submit = async (
    more: Parameters<typeof submissionTo>[1] = {},
    adapter = world.adapter,
  ): Promise<{ id: string; key: string; job: FakeHfJob }> => {
    const submission = submissionTo(world, more);
    const { externalId } = await adapter.submit(submission, world.credential);
    return { id: externalId, key: submission.runKey, job: world.fake.jobs[0]! };
  };

  it('sends a container with its flavor, its timeout and our key', async () => {
    const config = { image: 'trainer:2', command: ['train', '--lr', '0.1'], env: { EPOCHS: '3' } };
    const env = new Map([['HF_TOKEN', { name: 'hf-token', value: new Secret('hush') }]]);
    const { key, job } = await submit({ config, env, jobId: 'job_1' });
    expect(job.given).toEqual({
      dockerImage: 'trainer:2',
      command: ['train', '--lr', '0.1'],
      arguments: [],
      environment: {
        EPOCHS: '3',
        LINECLEAR_RUN_KEY: key,
        LINECLEAR_JOB_ID: 'job_1',
        LINECLEAR_ATTEMPT: '1',
        LINECLEAR_CONFIG: JSON.stringify(config),
      },
      secrets: { HF_TOKEN: 'hush' },
      flavor: 'a10g-large',
      timeoutSeconds: 4_500,
      labels: { 'lineclear-run-key': key },
    });
  });

  it('leaves out what nobody said', async () => {
    const { job } = await submit({ maxRuntimeSeconds: null });
    expect(job.given).not.toHaveProperty('timeoutSeconds');
    expect(job.given).not.toHaveProperty('secrets');
  });

  it.each([
    ['hf.co/spaces/acme/trainer', { spaceId: 'acme/trainer' }],
    ['https://huggingface.co/spaces/acme/trainer', { spaceId: 'acme/trainer' }],
    [undefined, { dockerImage: 'house:1' }],
  ])('runs the image %s', async (image, sent) => {
    const { job } = await submit(
      { config: { image, command: ['a'] } },
      adapterAt(world.fake.url, { image: 'house:1' }),
    );
    expect(job.given).toMatchObject(sent);
  });

  it.each([
    [{ image: 'a' }, 'config.command'],
    [{ command: ['a'] }, 'config.image'],
  ])('refuses the config %j', async (config, message) => {
    expect(await failureIn(submit({ config }))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(message) as string,
    });
    expect(world.fake.jobs).toHaveLength(0);
  });

  it('refuses a config without a command when it is submitted already', () => {
    expect(jobConfigs['hf_jobs']?.safeParse({ image: 'a' }).success).toBe(false);
    expect(jobConfigs['hf_jobs']?.safeParse({ command: ['a'], lr: 1 }).success).toBe(true);
  });

  it.each(Object.entries(HF_STAGES))('takes %s for %s', async (stage, state) => {
    const { id } = await submit();
    world.say?.(id, stage);
    expect(await lookAt(world, id)).toMatchObject({ word: stage, state });
  });

  it.each([
    ['Job failed with exit code: 137. Reason: OOMKilled', { state: 'failed', exitCode: 137, cause: 'oom' }],
    ['Job failed with exit code: 3. Reason: Error', { state: 'failed', exitCode: 3 }],
    ['Job timeout', { state: 'timed_out' }],
  ])('reads how a job ended from "%s"', async (message, seen) => {
    const { id, job } = await submit();
    Object.assign(job.status, { stage: 'ERROR', message });
    expect(await lookAt(world, id)).toEqual({ word: 'ERROR', message, ...seen });
  });

  it('takes an answer that is not as documented for none', async () => {
    const { id } = await submit();
    world.failNext('get', { status: 200, body: { id } });
    expect(await failureIn(world.adapter.get([id], world.credential))).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining('status') as string,
    });
  });

  it.each([
    [{ ratelimit: '"api";r=0;t=48' }, 48_000],
    [{ ratelimit: '"api";r=0;t=48', 'retry-after': '5' }, 5_000],
    [{ ratelimit: 'later' }, undefined],
  ])('waits as long as %j says', async (headers, retryAfterMs) => {
    world.failNext('submit', { status: 429, headers });
    expect(await failureIn(submit())).toMatchObject({ kind: 'busy', retryAfterMs });
  });

  it('does not take the job of another for ours where a label is not heeded', async () => {
    await submit();
    const [other] = world.fake.jobs;
    world.failNext('find', { status: 200, body: [{ ...other, given: undefined }] });
    expect(await world.adapter.find('lc-1-a1', world.credential)).toBeNull();
  });

  describe('the list', () => {
    const fill = async (count: number): Promise<string[]> => {
      const { job } = await submit();
      for (let one = 1; one < count; one += 1)
        world.fake.jobs.unshift({
          ...job,
          id: `${job.id}${String(one).padStart(5, '0')}`,
          status: { ...job.status },
        });
      return world.fake.jobs.map(({ id }) => id);
    };
    const list = async (): Promise<string[]> =>
      ((await world.adapter.list?.([], world.credential)) ?? []).map(({ externalId }) => externalId);

    it('has what goes on, with one request for each hundred', async () => {
      const { key } = await submit();
      const over = await submit();
      await world.become(over.id, 'succeeded');
      const before = world.fake.calls['list'] ?? 0;
      expect(await world.adapter.list?.([], world.credential)).toEqual([
        expect.objectContaining({ runKey: key, createdAt: new Date('2026-11-28T10:00:00.079Z') }),
      ]);
      expect(world.fake.calls['list']).toBe(before + 1);
    });

    it('loses none when one ends and one begins while its pages are read', async () => {
      const ids = await fill(150);
      world.fake.afterPage = () => {
        world.fake.afterPage = undefined;
        void world.become(ids[0] ?? '', 'succeeded');
        world.fake.jobs.unshift({ ...world.fake.jobs[0]!, id: 'zz' });
      };
      expect(await list()).toEqual(ids);
    });

    it('sends its credential nowhere else, whatever the address of the next page is', async () => {
      await fill(101);
      expect(await list()).toHaveLength(101);
    });

    it('is given up after twenty pages', async () => {
      await fill(2_001);
      expect((await failureIn(list())).kind).toBe('unknown');
    });
  });

  it('knows what its flavors cost by the hour', async () => {
    world.fake.hardware.push(
      { name: 'cpu-basic', unitCostMicroUSD: 167, unitLabel: 'minute', accelerator: null },
      { name: 'a100x4', unitCostMicroUSD: 166_667, unitLabel: 'minute', accelerator: { quantity: '4' } },
      { name: 'odd', unitCostMicroUSD: 5, unitLabel: 'month' },
      { name: 'free', unitCostMicroUSD: null, unitLabel: 'minute' },
    );
    expect([...(await world.adapter.prices!(world.credential))]).toEqual([
      ['cpu-basic', { usdPerHour: 0.01002, gpus: 0 }],
      ['a100x4', { usdPerHour: 10.00002, gpus: 4 }],
    ]);
    world.fake.failNext('hardware', { status: 503 });
    expect((await failureIn(world.adapter.prices!(world.credential))).kind).toBe('unknown');
  });

  describe('the log', () => {
    const logs = async (id: string, isOver: boolean): Promise<string> =>
      (await world.adapter.logs(id, null, isOver, world.credential)).text;

    it('is without the line of the service, and without what came in part', async () => {
      const { id } = await submit();
      await world.write?.(id, 'one\n\ntwo\n');
      expect(await logs(id, true)).toBe('one\n\ntwo\n');
      world.failNext('logs', { status: 200, body: 'data: {"data":"one"}\n\ndata: {"da' });
      expect(await logs(id, true)).toBe('one\n');
    });

    it('of a job that is gone is empty, and one that cannot be read is not taken for the end', async () => {
      expect(await logs('gone', true)).toBe('');
      const { id } = await submit();
      world.failNext('logs', { status: 500 });
      expect((await failureIn(logs(id, true))).kind).toBe('unknown');
      world.failNext('logs', { status: 200, body: 'data: {nonsense}\n\n' });
      expect((await failureIn(logs(id, true))).kind).toBe('unknown');
    });
  });

  it.each([
    [{ namespace: 'a/b' }, 'namespace'],
    [{ secret: 'not a name' }, 'secret'],
    [{ queue: 'x' }, 'queue'],
  ])('is not configured with %j', (more, field) => {
    expect(() => adapterAt('http://127.0.0.1', more)).toThrow(field);
  });
});
