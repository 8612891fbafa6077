import { jobConfigs } from '@lineclear/contracts';
import { Secret } from '@lineclear/kit';
import { startFakeVast, type FakeVast, type FakeVastInstance } from '@lineclear/testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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
import { outputIn } from './vast-logs.js';
import { VAST_STATES } from './vast-objects.js';
import { VastAdapter } from './vast.js';

const TOKEN = 'vast-token-of-the-account';
const CALLS = {
  submit: 'create',
  find: 'list',
  get: 'list',
  list: 'list',
  cancel: 'stop',
  logs: 'request logs',
} as const satisfies Record<ContractCall, string>;

interface VastWorld extends ContractWorld {
  readonly fake: FakeVast;
}

const adapterAt = (base_url: string, more: Readonly<Record<string, unknown>> = {}): VastAdapter =>
  new VastAdapter(
    'cloud',
    configured('vast', {
      base_url,
      secret: 'VAST_API_KEY',
      logs_hosts: [new URL(base_url).host],
      hardware: { 'RTX 4090': { cost_per_hour_usd: 0.5 } },
      ...more,
    }),
    3_000,
    0,
  );

const mark = (one: FakeVastInstance, code: number): string =>
  `${one.log}\nlineclear-exit ${one.label} ${code}\n`;
const become: Readonly<Record<RemoteWord, (one: FakeVastInstance) => Partial<FakeVastInstance>>> = {
  starting: () => ({ actual_status: 'loading' }),
  running: () => ({ actual_status: 'running' }),
  succeeded: (one) => ({ actual_status: 'exited', log: mark(one, 0) }),
  failed: (one) => ({ actual_status: 'exited', log: mark(one, 1) }),
  cancelled: () => ({ actual_status: 'exited', intended_status: 'stopped' }),
};

async function open(): Promise<VastWorld> {
  const fake = await startFakeVast({ token: TOKEN });
  const adapter = adapterAt(fake.url);
  const byKey = (key: string): FakeVastInstance[] => fake.instances.filter(({ label }) => label === key);
  const change = (id: string, patch: (one: FakeVastInstance) => Partial<FakeVastInstance>): void => {
    for (const one of fake.instances) if (String(one.id) === id) Object.assign(one, patch(one));
  };
  return {
    fake,
    adapter,
    adrift: adapterAt('http://127.0.0.1:9'),
    credential: new Secret(TOKEN),
    wrong: new Secret('not-the-token'),
    config: { image: 'acme/train:3', command: ['python', 'train.py'] },
    hardware: 'RTX 4090',
    runsOf: (key) => byKey(key).length,
    submitted: (key) => byKey(key)[0]?.body,
    become: (id, state) => change(id, become[state]),
    say: (id, actual_status) => change(id, () => ({ actual_status })),
    forget: (id) =>
      void fake.instances.splice(
        fake.instances.findIndex((one) => String(one.id) === id),
        1,
      ),
    write: (id, text) => change(id, ({ log }) => ({ log: log + text })),
    failNext: (call, fault) => fake.failNext(CALLS[call], fault),
    async close() {
      await adapter.close();
      await fake.close();
    },
  };
}

adapterContract('vast', { lists: true, logs: true, words: true, credential: true }, open);

describe('vast', () => {
  let world: VastWorld;
  beforeEach(async () => {
    world = await open();
  });
  afterEach(async () => {
    vi.useRealTimers();
    await world.close();
  });

  const submit = async (
    more: Parameters<typeof submissionTo>[1] = {},
    adapter = world.adapter,
  ): Promise<{ id: string; key: string; one: FakeVastInstance }> => {
    const submission = submissionTo(world, more);
    const { externalId } = await adapter.submit(submission, world.credential);
    const one = world.fake.instances.at(-1);
    if (one === undefined) throw new Error('it made none');
    return { id: externalId, key: submission.runKey, one };
  };

  it.each(Object.entries(VAST_STATES).filter(([, state]) => state !== 'over' && state !== 'away'))(
    'takes %s for %s',
    async (status, state) => {
      const { id } = await submit();
      world.say?.(id, status);
      expect(await lookAt(world, id)).toMatchObject({ word: status, state });
    },
  );

  it.each(['unknown', 'offline'])(
    'takes an instance that is %s for one that is not there',
    async (status) => {
      const { id } = await submit();
      world.say?.(id, status);
      expect(await lookAt(world, id)).toBeUndefined();
      expect(await world.adapter.list?.([id], world.credential)).toEqual([]);
      world.say?.(id, 'running');
      expect(await lookAt(world, id)).toMatchObject({ state: 'running' });
    },
  );

  describe('the end', () => {
    it.each([
      ['exited', 0, 'succeeded'],
      ['stopped', 0, 'succeeded'],
      ['exited', 137, 'failed'],
    ])('of a container that is %s with %d in its log is %s', async (actual_status, exitCode, state) => {
      const { id, one } = await submit();
      Object.assign(one, { actual_status, log: mark(one, exitCode) });
      expect(await lookAt(world, id)).toMatchObject({ word: actual_status, state, exitCode });
    });

    it('is found at the end of a log of any length', async () => {
      const { id, one } = await submit();
      Object.assign(one, { actual_status: 'exited', log: 'x'.repeat(20_000_000) });
      Object.assign(one, { log: mark(one, 0) });
      expect(await lookAt(world, id)).toMatchObject({ state: 'succeeded' });
    });

    it('of a container that says nothing is a failure, once its log had time to come', async () => {
      const { id, one } = await submit();
      Object.assign(one, { actual_status: 'exited', status_msg: 'OCI runtime error' });
      expect(await lookAt(world, id)).toEqual({ word: 'exited', state: 'running' });
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 91_000 });
      expect(await lookAt(world, id)).toMatchObject({
        word: 'exited',
        state: 'failed',
        message: 'OCI runtime error',
      });
    });

    it('of one that we stopped is that it was stopped, if it was not over before', async () => {
      const { id, one } = await submit();
      await world.become(id, 'succeeded');
      await world.adapter.cancel(id, world.credential);
      expect(one.intended_status).toBe('stopped');
      expect(await lookAt(world, id)).toMatchObject({ state: 'succeeded' });
    });

    it('of one that we stopped waits for its log, which may say that it was over before', async () => {
      const [over, silent] = [await submit(), await submit()];
      await world.become(over.id, 'succeeded');
      await world.become(silent.id, 'running');
      for (const { id } of [over, silent]) await world.adapter.cancel(id, world.credential);
      world.fake.lateLogs(1);
      expect(await lookAt(world, over.id)).toMatchObject({ state: 'running' });
      expect(await lookAt(world, over.id)).toMatchObject({ state: 'succeeded' });
      world.fake.lateLogs(1_000);
      expect(await lookAt(world, silent.id)).toMatchObject({ state: 'running' });
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 91_000 });
      expect(await lookAt(world, silent.id)).toMatchObject({ state: 'cancelled' });
    });

    it('is followed by taking the instance away, which costs until then', async () => {
      const { id } = await submit();
      await world.adapter.release?.(id, world.credential);
      expect(world.fake.instances).toEqual([]);
      await world.adapter.release?.(id, world.credential);
      world.fake.failNext('destroy', { status: 429 });
      expect(
        await failureIn(world.adapter.release?.(id, world.credential) ?? Promise.resolve()),
      ).toMatchObject({
        kind: 'busy',
        retryAfterMs: 3_000,
      });
    });
  });

  it('takes the cheapest offer, and none that is dearer than the configuration says', async () => {
    world.fake.offers.push(
      { id: 1, gpu_name: 'RTX 4090', num_gpus: 1, dph_total: 0.3 },
      { id: 2, gpu_name: 'RTX 4090', num_gpus: 2, dph_total: 0.2 },
      { id: 3, gpu_name: 'RTX 3090', num_gpus: 1, dph_total: 0.1 },
    );
    expect((await submit()).one.dph_total).toBe(0.3);
    expect(world.fake.searches[0]).toMatchObject({
      gpu_name: { eq: 'RTX 4090' },
      num_gpus: { eq: 1 },
      dph_total: { lte: 0.5 },
      verified: { eq: true },
      disk_space: { gte: 32 },
    });
    expect((await submit({ hardware: 'RTX 4090:2' })).one.dph_total).toBe(0.2);
    expect(world.fake.searches[1]).not.toHaveProperty('dph_total');
  });

  it('waits where nothing is offered at the price', async () => {
    const dear = adapterAt(world.fake.url, { hardware: { 'RTX 4090': { cost_per_hour_usd: 0.39 } } });
    const { kind, retryAfterMs } = await failureIn(submit({}, dear));
    expect([kind, retryAfterMs]).toEqual(['busy', 60_000]);
    expect(world.fake.calls['create']).toBeUndefined();
    await dear.close();
  });

  it('sends the image, the command with its mark, and the secrets in the environment', async () => {
    const env = new Map([['HF_TOKEN', { name: 'hf-token', value: new Secret('hush') }]]);
    const { key, one } = await submit({ env, outputPath: 's3://out' });
    expect(one.body).toMatchObject({
      image: 'acme/train:3',
      label: key,
      disk: 32,
      runtype: 'args',
      onstart: '/bin/sh',
      env: { HF_TOKEN: 'hush', LINECLEAR_RUN_KEY: key, LINECLEAR_OUTPUT_PATH: 's3://out' },
      cancel_unavail: true,
    });
    expect(one.body['args']).toEqual([
      '-c',
      expect.stringContaining(`lineclear-exit %s %s\\n' ${key}`),
      'lineclear',
      'python',
      'train.py',
    ]);
    expect(JSON.stringify([one.body['args'], one.body['label']])).not.toContain('hush');
  });

  it.each([
    [{ status: 404, body: { success: false, error: 'no_such_ask' } }, 'busy', 10_000],
    [{ status: 400, body: { success: false, error: 'no_such_ask' } }, 'busy', 10_000],
    [{ status: 200, body: { success: false, error: 'no_such_ask' } }, 'busy', 10_000],
    [{ status: 410, body: 'gone' }, 'busy', 10_000],
    [{ status: 400, body: { success: false, error: 'insufficient_credit' } }, 'refused', undefined],
    [{ status: 200, body: { success: false, error: 'bad_image' } }, 'refused', undefined],
    [{ status: 200, body: { success: true } }, 'unknown', undefined],
    [{ status: 429 }, 'busy', 12_000],
    [{ status: 429, headers: { 'retry-after': '2' } }, 'busy', 2_000],
    [{ status: 502 }, 'unknown', undefined],
  ] as const)('says of a create with %j: %s', async (fault, kind, retryAfterMs) => {
    world.failNext('submit', fault);
    const failure = await failureIn(submit());
    expect([failure.kind, failure.retryAfterMs]).toEqual([kind, retryAfterMs]);
  });

  it.each([
    ['search', 6_000],
    ['list', 1_000],
    ['stop', 1_000],
  ] as const)('rests after too many calls of %s for %d ms', async (call, retryAfterMs) => {
    const { id } = await submit();
    world.fake.failNext(call, { status: 429 });
    const doing = { search: () => submit(), list: () => lookAt(world, id), stop: () => cancel(id) };
    expect((await failureIn(doing[call]())).retryAfterMs).toBe(retryAfterMs);
  });
  const cancel = (id: string): Promise<void> => world.adapter.cancel(id, world.credential);

  it.each([
    [{ image: 'a' }, 'command'],
    [{ image: 'a', command: [] }, 'command'],
    [{ image: 'a', command: ['x'], env: { 'A-B': '1' } }, 'A-B'],
  ])('refuses the config %j, at the submit already', async (config, message) => {
    expect(JSON.stringify(jobConfigs['vast']?.safeParse(config).error?.issues)).toContain(message);
    expect((await failureIn(submit({ config }))).kind).toBe('refused');
  });

  it('takes the image of the configuration where a job has none', async () => {
    expect((await failureIn(submit({ config: { command: ['x'] } }))).message).toContain('config.image');
    const adapter = adapterAt(world.fake.url, { image: 'acme/base:1', disk_gb: 80 });
    const { one } = await submit({ config: { command: ['x'] } }, adapter);
    expect(one.body).toMatchObject({ image: 'acme/base:1', disk: 80 });
    await adapter.close();
  });

  it('loses none when the list shifts while it is read, and tells each once', async () => {
    const keys: string[] = [];
    for (let one = 0; one < 60; one += 1) keys.push((await submit()).key);
    // The whole first page goes away, and one comes, before the second is read.
    world.fake.beforePage((page) => {
      if (page === 2) world.fake.instances.splice(0, 25);
    });
    const listed = (await world.adapter.list?.([], world.credential)) ?? [];
    expect(listed.map(({ runKey }) => runKey)).toEqual(keys);
    expect(world.fake.calls['list']).toBe(3);
  });

  it('does not read a list without end', async () => {
    await submit();
    world.fake.failNext('list', { status: 200, body: { instances: [], next_token: 'again' } }, 500);
    expect((await failureIn(world.adapter.find('k', world.credential))).kind).toBe('unknown');
  });

  it('tells what an instance has cost, until it is stopped, whatever their clock says', async () => {
    const { id, one } = await submit();
    Object.assign(one, { actual_status: 'running', dph_total: 1.2, start_date: Date.now() / 1_000 - 1_800 });
    expect((await lookAt(world, id))?.costUsd).toBeCloseTo(0.6, 2);
    await world.become(id, 'succeeded');
    expect((await lookAt(world, id))?.costUsd).toBeCloseTo(0.6, 2);
    Object.assign(one, { actual_status: 'running' });
    Object.assign(one, { start_date: Date.now() / 1_000 + 600 });
    expect((await lookAt(world, id))?.costUsd).toBe(0);
    Object.assign(one, { actual_status: 'loading' });
    expect(await lookAt(world, id)).not.toHaveProperty('costUsd');
  });

  it('tells the cheapest price of each kind of machine', async () => {
    world.fake.offers.push(
      { id: 1, gpu_name: 'RTX 4090', num_gpus: 1, dph_total: 0.3 },
      { id: 2, gpu_name: 'H100 SXM', num_gpus: 8, dph_total: 16 },
    );
    expect(await world.adapter.prices?.(world.credential)).toEqual(
      new Map([
        ['RTX 4090', { usdPerHour: 0.3, gpus: 1 }],
        ['H100 SXM:8', { usdPerHour: 16, gpus: 8 }],
      ]),
    );
  });

  describe('a log', () => {
    const read = (id: string, isOver = false): Promise<{ text: string }> =>
      world.adapter.logs(id, null, isOver, world.credential);

    it('is not there at once: it is asked for once, and read when it is', async () => {
      const { id, one } = await submit();
      one.log = 'hello\n';
      world.fake.lateLogs(2);
      expect([(await read(id)).text, (await read(id)).text, (await read(id)).text]).toEqual([
        '',
        '',
        'hello\n',
      ]);
      expect(world.fake.calls['request logs']).toBe(1);
    });

    it('that should be the last one is waited for', async () => {
      const { id, one } = await submit();
      one.log = 'hello\n';
      world.fake.lateLogs(1);
      expect((await failureIn(read(id, true))).kind).toBe('unknown');
      expect((await read(id, true)).text).toBe('hello\n');
    });

    it('that does not come is asked for again', async () => {
      const { id } = await submit();
      world.fake.lateLogs(1_000);
      for (let look = 0; look < 6; look += 1) await read(id);
      expect(world.fake.calls['request logs']).toBe(2);
    });

    it.each([
      'http://169.254.169.254/latest/meta-data/',
      'https://evil.test/x',
      'file:///etc/passwd',
      'gopher://127.0.0.1/x',
      'no address',
    ])('is not read from %s', async (url) => {
      const { id } = await submit();
      world.fake.logsAt(url);
      expect((await failureIn(read(id))).message).toContain('logs_hosts');
      expect(world.fake.calls['store']).toBeUndefined();
    });

    it('is read from Amazon alone unless the configuration says so', async () => {
      const adapter = adapterAt(world.fake.url, { logs_hosts: undefined });
      const { id } = await submit();
      expect((await failureIn(adapter.logs(id, null, false, world.credential))).message).toContain(
        world.fake.host,
      );
      await adapter.close();
    });

    it('whose store fails says nothing', async () => {
      const { id } = await submit();
      world.fake.failNext('store', { status: 503 });
      expect((await failureIn(read(id))).kind).toBe('unknown');
    });

    it('of an instance that is gone is empty', async () => {
      expect((await read('12345', true)).text).toBe('');
    });

    it.each([
      ['a\nb\n', 4, 'a\nb\n'],
      ['a\nb\nlineclear-exit lc-1-a1 0\n', 9, 'a\nb\n'],
      ['a\nb\nc\nd\n', 4, ''],
    ])('%j of at most %d lines gives %j', (log, most, output) => {
      expect(outputIn(log, most)).toBe(output);
    });
  });
});
