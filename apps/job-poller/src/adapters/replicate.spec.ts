import { jobConfigs } from '@lineclear/contracts';
import { Secret } from '@lineclear/kit';
import { startFakeReplicate, type FakeReplicate } from '@lineclear/testkit';
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
import { REPLICATE_STATES } from './replicate-objects.js';
import { ReplicateAdapter } from './replicate.js';

const TOKEN = 'r8_token-of-the-account';
const STATUSES: Readonly<Record<RemoteWord, string>> = {
  starting: 'starting',
  running: 'processing',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'canceled',
};
// Looking for a run is a list there, and its log a part of the run itself.
const CALLS = {
  submit: 'submit',
  find: 'list',
  get: 'get',
  list: 'list',
  cancel: 'cancel',
  logs: 'get',
} as const satisfies Record<ContractCall, string>;

interface ReplicateWorld extends ContractWorld {
  readonly fake: FakeReplicate;
}

const adapterAt = (base_url: string): ReplicateAdapter =>
  new ReplicateAdapter('cloud', configured('replicate', { base_url, secret: 'REPLICATE_API_TOKEN' }), 3_000);

async function open(
  config: Record<string, unknown> = { version: 'abc123', input: {} },
): Promise<ReplicateWorld> {
  const fake = await startFakeReplicate({ token: TOKEN });
  const adapter = adapterAt(fake.url);
  const keyIs = (key: string) => (one: { input: Record<string, unknown> }) =>
    one.input['lineclear_run_key'] === key;
  const change = (externalId: string, patch: object): void => {
    Object.assign(fake.find(externalId.replace('trainings/', '')) ?? {}, patch);
  };
  return {
    fake,
    adapter,
    adrift: adapterAt('http://127.0.0.1:9/v1'),
    credential: new Secret(TOKEN),
    wrong: new Secret('not-the-token'),
    config,
    hardware: 'gpu-t4',
    runsOf: (key) => fake.objects.filter(keyIs(key)).length,
    submitted: (key) => fake.objects.find(keyIs(key))?.input,
    become: (id, state) => change(id, { status: STATUSES[state] }),
    say: (id, status) => change(id, { status }),
    forget: (id) => fake.forget(id.replace('trainings/', '')),
    write: (id, text) => change(id, { logs: (fake.find(id.replace('trainings/', ''))?.logs ?? '') + text }),
    failNext: (call, fault) => fake.failNext(CALLS[call], fault),
    async close() {
      await adapter.close();
      await fake.close();
    },
  };
}

const HAS = { lists: true, logs: true, words: true, credential: true };
adapterContract('replicate', HAS, () => open());
adapterContract('replicate trainings', HAS, () =>
  open({ training: { model: 'acme/trainer', version: 'abc123', destination: 'acme/mine' }, input: {} }),
);

describe('replicate', () => {
  let world: ReplicateWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());
  beforeEach(() => {
    world.fake.objects.length = 0;
    world.fake.afterPage = undefined;
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
  const listed = async (ids: readonly string[]): Promise<readonly string[]> =>
    ((await world.adapter.list?.(ids, world.credential)) ?? []).map(({ externalId }) => externalId);

  it.each(Object.entries(REPLICATE_STATES))('takes %s for %s', async (status, state) => {
    const { id } = await submit();
    world.say?.(id, status);
    expect(await lookAt(world, id)).toMatchObject({ word: status, state });
  });

  it.each(['constructor', '', 'x'.repeat(500)])('takes %j for no state', async (status) => {
    const { id } = await submit();
    world.say?.(id, status);
    const seen = await lookAt(world, id);
    expect(seen?.state).toBeUndefined();
    expect(seen?.word.length).toBeLessThanOrEqual(60);
  });

  it.each([
    ['Prediction interrupted; please retry (code: E1001)', 'oom'],
    ['Timeout starting prediction (E6716)', 'infrastructure'],
    ['E9243: unexpected error', 'infrastructure'],
    ['ValueError: no such file', undefined],
  ])('says why a run failed: %s', async (error, cause) => {
    const { id } = await submit();
    Object.assign(world.fake.find(id) ?? {}, { status: 'failed', error });
    const seen = await lookAt(world, id);
    expect(seen?.message).toBe(error);
    expect(seen?.cause).toBe(cause);
  });

  it.each([
    ['2026-01-01T00:10:00Z', 'timed_out'],
    ['2026-01-01T00:09:59Z', 'cancelled'],
  ])('calls a cancel at %s, with a deadline at 00:10, %s', async (completed_at, state) => {
    const { id } = await submit();
    const deadline = '2026-01-01T00:10:00Z';
    Object.assign(world.fake.find(id) ?? {}, { status: 'canceled', completed_at, deadline });
    expect(await lookAt(world, id)).toMatchObject({ state, endedAt: new Date(completed_at) });
  });

  it.each([
    [{ version: 'abc123' }, '/predictions', { version: 'abc123' }, '4500s'],
    [{ model: 'acme/flux' }, '/models/acme/flux/predictions', {}, '4500s'],
    [{ deployment: 'acme/prod' }, '/deployments/acme/prod/predictions', {}, '4500s'],
    [
      { training: { model: 'acme/flux', version: 'abc1', destination: 'acme/mine' } },
      '/models/acme/flux/versions/abc1/trainings',
      { destination: 'acme/mine' },
      undefined,
    ],
  ])('sends %j to %s', async (way, path, body, cancelAfter) => {
    const { key } = await submit({ config: { ...way, input: { steps: 9 } } });
    expect(world.fake.submits.at(-1)).toEqual({
      path,
      body: { ...body, input: { steps: 9, lineclear_run_key: key } },
      cancelAfter,
    });
  });

  it.each([
    { model: 'acme/flux' },
    { training: { model: 'acme/flux', version: 'abc1', destination: 'acme/mine' } },
  ])('asks for webhooks of the start and the end of %j, where it is told to where', async (way) => {
    const webhook = { url: 'https://house.test/api/webhooks/providers/replicate', secret: new Secret('shh') };
    await submit({ config: { ...way, input: {} }, webhook });
    const { body } = world.fake.submits.at(-1)!;
    expect(body).toMatchObject({ webhook: webhook.url, webhook_events_filter: ['start', 'completed'] });
    expect(JSON.stringify(body)).not.toContain('shh');
  });

  it.each([
    [null, undefined],
    [604_800, '86400s'],
  ])('sets for at most %s seconds a deadline of %s', async (maxRuntimeSeconds, cancelAfter) => {
    await submit({ maxRuntimeSeconds });
    expect(world.fake.submits.at(-1)?.cancelAfter).toBe(cancelAfter);
  });

  it.each([
    [{}, 'needs exactly one of'],
    [{ version: 'a', model: 'b/c' }, 'needs exactly one of'],
    [{ model: '../secrets' }, 'owner/name'],
    [{ model: 'a/..' }, 'owner/name'],
    [{ training: { model: 'a/b', version: '../x', destination: 'a/c' } }, 'hash'],
    [{ version: 'a', input: { lineclear_run_key: 'x' } }, 'not for jobs'],
    [{ version: 'a', imput: {} }, 'imput'],
  ])('refuses the config %j, at the submit already', async (config, message) => {
    expect(JSON.stringify(jobConfigs['replicate']?.safeParse(config).error?.issues)).toContain(message);
    const before = world.fake.submits.length;
    const failure = await failureIn(world.adapter.submit(submissionTo(world, { config }), world.credential));
    expect(failure.kind).toBe('refused');
    expect(world.fake.submits.length).toBe(before);
  });

  it('waits as long as the body says when the header does not', async () => {
    world.failNext('submit', {
      status: 429,
      body: { detail: 'Request was throttled. Your rate limit resets in ~30s.' },
    });
    const failure = await failureIn(submit());
    expect(failure).toMatchObject({ kind: 'busy', retryAfterMs: 30_000 });
  });

  it('keeps the output in the log, which Replicate deletes within the hour', async () => {
    const { id } = await submit();
    Object.assign(world.fake.find(id) ?? {}, {
      status: 'succeeded',
      logs: 'done\n',
      output: ['https://x/1.png'],
    });
    const part = await world.adapter.logs(id, null, true, world.credential);
    expect(part.text).toBe('done\n\noutput: ["https://x/1.png"]\n');
    Object.assign(world.fake.find(id) ?? {}, { output: 'x'.repeat(20_000) });
    const long = await world.adapter.logs(id, '5', true, world.credential);
    expect(long.text).toBe('\noutput: 20002 characters, too long to be kept here\n');
  });

  describe('looking for a run', () => {
    const made = new Date('2026-01-01T12:00:00Z');
    const at = (minutes: number): string => new Date(made.getTime() + minutes * 60_000).toISOString();

    it.each([-4, 0, 9])('finds one that by its clock was made %d minutes after our call', async (minutes) => {
      const { id } = world.fake.add('predictions', {
        input: { lineclear_run_key: 'k' },
        created_at: at(minutes),
      });
      expect(await find('k', made)).toEqual({ externalId: id });
    });

    it('reads no further than to the time of the call', async () => {
      for (const kind of ['predictions', 'trainings'] as const) {
        for (let old = 0; old < 250; old += 1) world.fake.add(kind, { created_at: at(-60) });
        world.fake.add(kind, { created_at: at(1) });
      }
      const before = world.fake.calls['list'] ?? 0;
      expect(await find('k', made)).toBeNull();
      expect((world.fake.calls['list'] ?? 0) - before).toBe(2);
    });

    it.each([
      { data_removed: true },
      { data_removed: true, input: { prompt: 'kept' } },
      { input: undefined as unknown as Record<string, unknown> },
    ])('does not say that there is none when what may be it shows no key: %j', async (lost) => {
      world.fake.add('predictions', { ...lost, created_at: at(1) });
      expect((await failureIn(find('k', made))).kind).toBe('unknown');
    });

    it.each([
      { source: 'web', created_at: at(1) },
      { created_at: at(-60) },
      { input: { lineclear_run_key: 'other' }, created_at: at(1) },
    ])('is not held up by %j without data', async (other) => {
      world.fake.add('predictions', { data_removed: true, ...other });
      expect(await find('k', made)).toBeNull();
    });
  });

  it('loses none, and shows none twice, when the pages shift while it reads them', async () => {
    const ids = Array.from({ length: 230 }, () => world.fake.add('predictions', { status: 'processing' }).id);
    world.fake.afterPage = () => void world.fake.add('predictions', { status: 'processing' });
    const seen = await listed(ids);
    expect(seen.filter((id) => ids.includes(id)).toSorted()).toEqual(ids.toSorted());
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('reads one page of each kind when nothing older goes on or is asked for', async () => {
    for (let old = 0; old < 350; old += 1) world.fake.add('predictions', { status: 'succeeded' });
    const before = world.fake.calls['list'] ?? 0;
    expect(await listed([])).toHaveLength(100);
    expect((world.fake.calls['list'] ?? 0) - before).toBe(2);
  });

  it('reads ten pages of each kind at most', async () => {
    for (let one = 0; one < 1_200; one += 1) world.fake.add('predictions', { status: 'processing' });
    expect(await listed(['r8gone'])).toHaveLength(1_000);
  });

  it('sends its credential to no other host, wherever the next page is said to be', async () => {
    for (let one = 0; one < 101; one += 1) world.fake.add('predictions', { status: 'processing' });
    expect(await listed([])).toHaveLength(101);
  });
});
