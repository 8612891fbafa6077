import { jobConfigs } from '@lineclear/contracts';
import { Secret } from '@lineclear/kit';
import { startFakeRunpodServerless, type FakeRunpodJob, type FakeRunpodServerless } from '@lineclear/testkit';
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
import { RUNPOD_JOB_STATES, RunpodServerlessAdapter } from './runpod-serverless.js';

const TOKEN = 'rpa_token-of-the-account';
const STATUSES: Readonly<Record<RemoteWord, string>> = {
  starting: 'IN_QUEUE',
  running: 'IN_PROGRESS',
  succeeded: 'COMPLETED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
};
// Looking for a job is the list of the queue there.
const CALLS = {
  submit: 'run',
  find: 'requests',
  get: 'status',
  list: 'requests',
  cancel: 'cancel',
  logs: 'status',
} as const satisfies Record<ContractCall, string>;

interface RunpodWorld extends ContractWorld {
  readonly fake: FakeRunpodServerless;
}

const adapterAt = (base_url: string): RunpodServerlessAdapter =>
  new RunpodServerlessAdapter(
    'cloud',
    configured('runpod_serverless', { base_url, endpoint_id: '4m7x2k9q', secret: 'RUNPOD_API_KEY' }),
    3_000,
  );

async function open(): Promise<RunpodWorld> {
  const fake = await startFakeRunpodServerless({ token: TOKEN, endpointId: '4m7x2k9q' });
  const adapter = adapterAt(fake.url);
  const keyIs = (key: string) => (job: FakeRunpodJob) => job.input?.['lineclear_run_key'] === key;
  const change = (id: string, patch: Partial<FakeRunpodJob>): void => {
    Object.assign(fake.jobs.find((job) => job.id === id) ?? {}, patch);
  };
  return {
    fake,
    adapter,
    adrift: adapterAt('http://127.0.0.1:9'),
    credential: new Secret(TOKEN),
    wrong: new Secret('not-the-token'),
    config: { input: { prompt: 'a signal box' } },
    hardware: 'AMPERE_24',
    runsOf: (key) => fake.jobs.filter(keyIs(key)).length,
    submitted: (key) => fake.jobs.find(keyIs(key))?.input,
    become: (id, state) => change(id, { status: STATUSES[state] }),
    say: (id, status) => change(id, { status }),
    forget: (id) =>
      void fake.jobs.splice(
        fake.jobs.findIndex((job) => job.id === id),
        1,
      ),
    failNext: (call, fault) => fake.failNext(CALLS[call], fault),
    async close() {
      await adapter.close();
      await fake.close();
    },
  };
}

adapterContract('runpod_serverless', { lists: true, logs: false, words: true, credential: true }, open);

describe('runpod_serverless', () => {
  let world: RunpodWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());
  beforeEach(() => {
    world.fake.jobs.length = 0;
  });

  const submit = async (
    more: Parameters<typeof submissionTo>[1] = {},
  ): Promise<{ id: string; key: string }> => {
    const submission = submissionTo(world, more);
    const { externalId } = await world.adapter.submit(submission, world.credential);
    return { id: externalId, key: submission.runKey };
  };
  const find = (key: string, since?: Date): Promise<{ externalId: string } | null> =>
    world.adapter.find(key, world.credential, since);
  const job = (id: string): FakeRunpodJob =>
    world.fake.jobs.find((one) => one.id === id) ?? { id: '', status: '' };

  it.each(Object.entries(RUNPOD_JOB_STATES))('takes %s for %s', async (status, state) => {
    const { id } = await submit();
    world.say?.(id, status);
    expect(await lookAt(world, id)).toMatchObject({ word: status, state });
  });

  it.each([
    ['CUDA error', 'CUDA error'],
    [{ error_type: 'ValueError' }, '{"error_type":"ValueError"}'],
  ])('says of what a job failed: %j', async (error, message) => {
    const { id } = await submit();
    Object.assign(job(id), { status: 'FAILED', error });
    expect(await lookAt(world, id)).toMatchObject({ state: 'failed', message });
  });

  it.each([
    [null, undefined, undefined],
    [3_600, undefined, { executionTimeout: 3_600_000, ttl: 90_000_000 }],
    [2, undefined, { executionTimeout: 5_001, ttl: 86_405_001 }],
    [604_800, undefined, { executionTimeout: 604_800_000, ttl: 604_800_000 }],
    [3_600, { executionTimeout: 60_000, ttl: 120_000 }, { executionTimeout: 60_000, ttl: 120_000 }],
    [60, { executionTimeout: 900_000 }, { executionTimeout: 60_000, ttl: 86_460_000 }],
    [null, { lowPriority: true }, { lowPriority: true }],
  ])('sends, for at most %s seconds and %j, the policy %j', async (maxRuntimeSeconds, policy, sent) => {
    const { key } = await submit({ maxRuntimeSeconds, config: { input: { steps: 1 }, policy } });
    expect(world.fake.bodies.at(-1)).toEqual({
      input: { steps: 1, lineclear_run_key: key },
      policy: sent,
    });
  });

  it('asks for a webhook to an address that is good for this job alone, where it is told to where', async () => {
    const secret = new Secret('a secret of ours');
    const { key } = await submit({ webhook: { url: 'https://house.test/hooks', secret } });
    const { webhook } = world.fake.bodies.at(-1) as { webhook: string };
    const query = Object.fromEntries(new URL(webhook).searchParams);
    const arrived = { headers: {}, query, rawBody: '', secret, now: new Date() };
    expect(world.adapter.verifyWebhook?.(arrived)).toEqual({ runKey: key });
  });

  it('refuses what is above 10 MB, without sending it', async () => {
    const before = world.fake.bodies.length;
    const config = { input: { image: 'x'.repeat(9_999_900) } };
    const failure = await failureIn(submit({ config }));
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('10 MB') as string });
    expect(world.fake.bodies.length).toBe(before);
  });

  it.each([
    [{ input: { lineclear_run_key: 'x' } }, 'not for jobs'],
    [{ input: {}, policy: { executionTimeout: 5_000 } }, 'executionTimeout'],
    [{ input: {}, policy: { ttl: 604_800_001 } }, 'ttl'],
    [{ input: {}, webhook: 'https://x.test' }, 'webhook'],
  ])('refuses the config %j, at the submit already', async (config, message) => {
    expect(JSON.stringify(jobConfigs['runpod_serverless']?.safeParse(config).error?.issues)).toContain(
      message,
    );
    expect((await failureIn(submit({ config }))).kind).toBe('refused');
  });

  it('takes a queue that is full for "later"', async () => {
    world.failNext('submit', { status: 429, body: { error: 'queue is full' } });
    expect((await failureIn(submit())).kind).toBe('busy');
  });

  describe('looking for a job', () => {
    const minutesAgo = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);

    it('says that there is none while the queue would still have it', async () => {
      await submit();
      expect(await find('k', minutesAgo(20))).toBeNull();
    });

    it('does not say so when it may be forgotten by now', async () => {
      expect((await failureIn(find('k', minutesAgo(31)))).kind).toBe('unknown');
    });

    it('does not say so while the list hides the input of a job', async () => {
      const { id, key } = await submit();
      delete job(id).input;
      expect((await failureIn(find(key))).kind).toBe('unknown');
    });

    it('finds it however old it is', async () => {
      const { id, key } = await submit();
      expect(await find(key, minutesAgo(300))).toEqual({ externalId: id });
    });
  });

  it('lists a whole endpoint with one request, each job once', async () => {
    for (let one = 0; one < 40; one += 1) await submit();
    world.fake.jobs.push(...world.fake.jobs);
    const before = world.fake.calls['requests'] ?? 0;
    expect(await world.adapter.list?.([], world.credential)).toHaveLength(40);
    expect((world.fake.calls['requests'] ?? 0) - before).toBe(1);
  });

  it('keeps the output as its log, once it is there', async () => {
    const { id } = await submit();
    Object.assign(job(id), { status: 'COMPLETED', output: { text: 'hello' } });
    const before = world.fake.calls['status'] ?? 0;
    expect((await world.adapter.logs(id, null, false, world.credential)).text).toBe('');
    expect(world.fake.calls['status'] ?? 0).toBe(before);
    const part = await world.adapter.logs(id, null, true, world.credential);
    expect(part.text).toBe('\noutput: {"text":"hello"}\n');
    const rest = await world.adapter.logs(id, part.cursorAt(part.text.length), true, world.credential);
    expect(rest.text).toBe('');
  });

  it('has no output of a job that is forgotten', async () => {
    expect((await world.adapter.logs('gone', null, true, world.credential)).text).toBe('');
  });
});
