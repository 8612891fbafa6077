import { jobConfigs } from '@lineclear/contracts';
import { Secret } from '@lineclear/kit';
import { startFakeRunpodPods, type FakePod, type FakeRunpodPods } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
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
import { POD_STATES } from './runpod-pod-objects.js';
import { RunpodPodsAdapter } from './runpod-pods.js';

const TOKEN = 'rpa_token-of-the-account';
const CALLS = {
  submit: 'create',
  find: 'list',
  get: 'get',
  list: 'list',
  cancel: 'action',
  logs: 'logs',
} as const satisfies Record<ContractCall, string>;

interface PodsWorld extends ContractWorld {
  readonly fake: FakeRunpodPods;
  pod(id: string): FakePod;
}

const adapterAt = (base_url: string, more: Record<string, unknown> = {}): RunpodPodsAdapter =>
  new RunpodPodsAdapter(
    'cloud',
    configured('runpod_pods', { base_url, secret: 'RUNPOD_API_KEY', ...more }),
    3_000,
  );

const marked = (pod: FakePod, code: number): Partial<FakePod> => ({
  status: 'EXITED',
  cost: 0,
  runtime: null,
  log: `${pod.log}\nlineclear-exit ${pod.name} ${code}\n`,
});
const BECOME: Readonly<Record<RemoteWord, (pod: FakePod) => Partial<FakePod>>> = {
  starting: () => ({ status: 'STARTING' }),
  running: () => ({ status: 'RUNNING', runtime: { uptime: 0 } }),
  succeeded: (pod) => marked(pod, 0),
  failed: (pod) => marked(pod, 3),
  cancelled: () => ({ status: 'TERMINATED' }),
};

async function open(): Promise<PodsWorld> {
  const fake = await startFakeRunpodPods({ token: TOKEN });
  const adapter = adapterAt(fake.url);
  const pod = (id: string): FakePod => {
    const found = fake.pods.find((one) => one.id === id);
    if (!found) throw new Error(`no pod ${id}`);
    return found;
  };
  return {
    fake,
    pod,
    adapter,
    adrift: adapterAt('http://127.0.0.1:9'),
    credential: new Secret(TOKEN),
    wrong: new Secret('not-the-token'),
    config: { image: 'acme/trainer:2', command: ['python', 'train.py'] },
    hardware: 'NVIDIA A100 80GB PCIe',
    runsOf: (key) => fake.pods.filter(({ name }) => name === key).length,
    submitted: (key) => fake.pods.find(({ name }) => name === key)?.env,
    become: (id, state) => void Object.assign(pod(id), BECOME[state](pod(id))),
    say: (id, status) => void Object.assign(pod(id), { status }),
    forget: (id) => void fake.pods.splice(fake.pods.indexOf(pod(id)), 1),
    write: (id, text) => void Object.assign(pod(id), { log: pod(id).log + text }),
    failNext: (call, fault) => fake.failNext(CALLS[call], fault),
    async close() {
      await adapter.close();
      await fake.close();
    },
  };
}

adapterContract('runpod_pods', { lists: true, logs: true, words: true, credential: true }, open);

describe('runpod_pods', () => {
  let world: PodsWorld;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());
  beforeEach(() => {
    world.fake.pods.length = 0;
  });
  afterEach(() => void vi.useRealTimers());

  const submit = async (
    more: Parameters<typeof submissionTo>[1] = {},
  ): Promise<{ id: string; key: string }> => {
    const submission = submissionTo(world, more);
    const { externalId } = await world.adapter.submit(submission, world.credential);
    return { id: externalId, key: submission.runKey };
  };

  it.each(Object.entries(POD_STATES))('takes %s for %s', async (status, state) => {
    const { id } = await submit();
    world.say?.(id, status);
    expect(await lookAt(world, id)).toMatchObject({ word: status, state });
  });

  it.each([
    [0, 'succeeded'],
    [1, 'failed'],
    [137, 'failed'],
  ])('takes a pod that has stopped, with the mark %d, for %s', async (code, state) => {
    const { id } = await submit();
    Object.assign(world.pod(id), marked(world.pod(id), code));
    expect(await lookAt(world, id)).toMatchObject({ word: 'EXITED', state, exitCode: code });
  });

  it('finds the mark behind lines that are longer than what is read of a log', async () => {
    const { id } = await submit();
    const log = `${'x'.repeat(60_000)}\n`.repeat(40);
    Object.assign(world.pod(id), { log });
    Object.assign(world.pod(id), marked(world.pod(id), 0));
    expect(await lookAt(world, id)).toMatchObject({ state: 'succeeded', exitCode: 0 });
  });

  it("does not take another run's mark for its own", async () => {
    const { id } = await submit();
    await world.become(id, 'running');
    Object.assign(world.pod(id), { status: 'EXITED', log: 'lineclear-exit lc-other-a1 0\n' });
    expect((await lookAt(world, id))?.exitCode).toBeUndefined();
  });

  it('waits for a log that lags behind before it believes that there is no mark', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { id } = await submit();
    world.say?.(id, 'EXITED');
    expect(await lookAt(world, id)).toMatchObject({ word: 'EXITED', state: 'running' });
    vi.setSystemTime(Date.now() + 61_000);
    expect(await lookAt(world, id)).toMatchObject({
      state: 'cancelled',
      message: expect.stringContaining('stopped before') as string,
    });
    await world.become(id, 'succeeded');
    expect((await lookAt(world, id))?.state).toBe('succeeded');
  });

  it('asks again when the log of a pod that has stopped cannot be read', async () => {
    const { id } = await submit();
    await world.become(id, 'succeeded');
    world.failNext('logs', { status: 503 });
    expect((await failureIn(lookAt(world, id))).kind).toBe('unknown');
    expect((await lookAt(world, id))?.state).toBe('succeeded');
  });

  it.each([
    ['NVIDIA A100 80GB PCIe', { id: 'NVIDIA A100 80GB PCIe', count: 1 }],
    ['NVIDIA A100 80GB PCIe:2', { id: 'NVIDIA A100 80GB PCIe', count: 2 }],
  ])('sends what is to run, on %s', async (hardware, gpu) => {
    const { key } = await submit({ hardware });
    expect(world.fake.bodies.at(-1)).toEqual({
      name: key,
      image: 'acme/trainer:2',
      args: `sh -c 'eval "$LINECLEAR_START"'`,
      env: expect.objectContaining({
        LINECLEAR_RUN_KEY: key,
        LINECLEAR_START: expect.any(String) as string,
      }) as object,
      gpu,
      cloud: 'SECURE',
      disk: 50,
    });
  });

  it('sends what the configuration says of pods', async () => {
    const adapter = adapterAt(world.fake.url, {
      image: 'acme/default:1',
      cloud: 'COMMUNITY',
      disk_gb: 200,
      registry_id: 'reg1',
      data_center_ids: ['EU-RO-1'],
      network_volume: { id: 'vol1', path: '/workspace' },
    });
    const submission = submissionTo(world, { config: { command: ['train'] } });
    await adapter.submit(submission, world.credential);
    expect(world.fake.bodies.at(-1)).toMatchObject({
      image: 'acme/default:1',
      cloud: 'COMMUNITY',
      disk: 200,
      registry: 'reg1',
      dataCenterIds: ['EU-RO-1'],
      mounts: { network: [{ volumeId: 'vol1', path: '/workspace' }] },
    });
    await adapter.close();
  });

  it.each([
    [{ image: 'a' }, 'command'],
    [{ image: 'a', command: [] }, 'command'],
    [{ image: 'a', command: 'train' }, 'command'],
    [{ image: 1, command: ['train'] }, 'image'],
  ])('refuses the config %j, at the submit already', async (config, message) => {
    expect(JSON.stringify(jobConfigs['runpod_pods']?.safeParse(config).error?.issues)).toContain(message);
    expect((await failureIn(submit({ config }))).kind).toBe('refused');
  });

  it('refuses a job without any image', async () => {
    const failure = await failureIn(submit({ config: { command: ['train'] } }));
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('image') as string });
  });

  it('has no secret in what is not its environment', async () => {
    const value = new Secret('s3cret-of-the-run');
    await submit({ env: new Map([['HF_TOKEN', { name: 'hf', value }]]) });
    const { env, ...rest } = world.fake.bodies.at(-1) as { env: Record<string, string> };
    expect(env['HF_TOKEN']).toBe('s3cret-of-the-run');
    expect(env['LINECLEAR_START']).not.toContain('s3cret');
    expect(JSON.stringify(rest)).not.toContain('s3cret');
  });

  it.each([
    [400, 'There are no longer any instances available with the requested specifications.', 'busy', 60_000],
    [400, 'gpu and cpu are mutually exclusive', 'refused', undefined],
    [402, 'insufficient balance', 'refused', undefined],
    [403, 'access denied', 'denied', undefined],
    [422, 'Request validation failed.', 'refused', undefined],
  ])('says of a create with %d and %j: %s', async (status, detail, kind, retryAfterMs) => {
    world.failNext('submit', { status, body: { title: 'No', status, detail } });
    expect(await failureIn(submit())).toMatchObject({ kind, retryAfterMs });
  });

  it('says what it costs so far, while it runs', async () => {
    const { id } = await submit();
    Object.assign(world.pod(id), { status: 'RUNNING', cost: 2, runtime: { uptime: 1_800 } });
    expect((await lookAt(world, id))?.costUsd).toBe(1);
    await world.become(id, 'succeeded');
    expect((await lookAt(world, id))?.costUsd).toBeUndefined();
  });

  it('lists with one request, each pod once, and leaves those that have stopped to a look of their own', async () => {
    const [running, stopped] = [await submit(), await submit()];
    await world.become(running.id, 'running');
    await world.become(stopped.id, 'succeeded');
    const other = world.fake.add({ name: 'notebook', status: 'RUNNING' });
    world.fake.pods.push(world.pod(running.id));
    const before = { ...world.fake.calls };
    const listed = (await world.adapter.list?.([running.id, stopped.id], world.credential)) ?? [];
    expect(listed.map(({ externalId, runKey, title }) => ({ externalId, runKey, title }))).toEqual([
      { externalId: running.id, runKey: running.key, title: running.key },
      { externalId: other.id, runKey: undefined, title: 'notebook' },
    ]);
    expect(world.fake.calls).toEqual({ ...before, list: (before['list'] ?? 0) + 1 });
  });

  it('stops a run at once and keeps its log, until it is released', async () => {
    const { id } = await submit();
    await world.become(id, 'running');
    await world.write?.(id, 'half way\n');
    await world.adapter.cancel(id, world.credential);
    expect((await lookAt(world, id))?.state).toBe('cancelled');
    expect((await world.adapter.logs(id, null, true, world.credential)).text).toBe('half way\n');
    await world.adapter.release?.(id, world.credential);
    expect(world.fake.pods).toEqual([]);
    await world.adapter.release?.(id, world.credential);
  });

  it.each([
    [{ status: 500 }, 'unknown'],
    [{ status: 409, body: { title: 'Conflict', status: 409, detail: 'the pod is locked' } }, 'unknown'],
    [{ status: 429, headers: { 'retry-after': '5' } }, 'busy'],
  ])('says that a pod was not taken away: %j', async (fault, kind) => {
    const { id } = await submit();
    world.fake.failNext('delete', fault);
    const release = async (): Promise<void> => world.adapter.release?.(id, world.credential);
    expect((await failureIn(release())).kind).toBe(kind);
  });

  it('goes on with a log in the middle of a line, and shows no mark', async () => {
    const { id } = await submit();
    await world.become(id, 'running');
    await world.write?.(id, 'one\ntwo\n');
    const first = await world.adapter.logs(id, null, false, world.credential);
    expect(first.text).toBe('one\ntwo\n');
    const cursor = first.cursorAt('one\nt'.length);
    await world.become(id, 'succeeded');
    const rest = await world.adapter.logs(id, cursor, true, world.credential);
    expect(rest.text).toBe('wo\n\n');
    expect(rest.more).toBe(false);
  });

  it('has no log of a pod that is gone', async () => {
    expect((await world.adapter.logs('gone', null, true, world.credential)).text).toBe('');
  });

  it('says what its machines cost, of the cloud that it uses', async () => {
    world.fake.gpus = [
      { id: 'A40', price: { secure: 0.4, community: 0.3 }, maxCount: { secure: 3, community: 1 } },
      { id: 'B200', price: { secure: 5, community: null }, maxCount: { secure: 40 } },
      { id: 'old', price: null },
    ];
    const secure = [...(await adapterAt(world.fake.url).prices(world.credential))];
    expect(secure.slice(0, 4)).toEqual([
      ['A40', { usdPerHour: 0.4, gpus: 1 }],
      ['A40:2', { usdPerHour: 0.8, gpus: 2 }],
      ['A40:3', { usdPerHour: expect.closeTo(1.2) as number, gpus: 3 }],
      ['B200', { usdPerHour: 5, gpus: 1 }],
    ]);
    expect(secure).toHaveLength(3 + 16);
    const community = adapterAt(world.fake.url, { cloud: 'COMMUNITY' });
    expect([...(await community.prices(world.credential))]).toEqual([['A40', { usdPerHour: 0.3, gpus: 1 }]]);
  });
});
