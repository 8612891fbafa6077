import { jobConfigs } from '@lineclear/contracts';
import { Secret } from '@lineclear/kit';
import { startFakeLambda, type FakeLambda, type FakeLambdaInstance } from '@lineclear/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  adapterContract,
  failureIn,
  lookAt,
  submissionTo,
  type ContractCall,
  type ContractWorld,
  type RemoteWord,
} from './adapter-contract.fixture.js';
import { LAMBDA_STATES, LambdaAdapter } from './lambda.js';
import { configured } from './provider-config.fixture.js';

const TOKEN = 'lambda-token-of-the-account';
// It knows machines, and not how what ran on them ended.
const STATUSES: Readonly<Record<RemoteWord, string>> = {
  starting: 'booting',
  running: 'active',
  succeeded: 'terminated',
  failed: 'unhealthy',
  cancelled: 'terminated',
};
const CALLS = {
  submit: 'launch',
  find: 'instances',
  get: 'instances',
  list: 'instances',
  cancel: 'terminate',
  logs: 'instances',
} as const satisfies Record<ContractCall, string>;

interface LambdaWorld extends ContractWorld {
  readonly fake: FakeLambda;
}

const adapterAt = (base_url: string): LambdaAdapter =>
  new LambdaAdapter(
    'cloud',
    configured('lambda', { base_url, secret: 'LAMBDA_API_KEY', region: 'us-east-1', ssh_key: 'ops' }),
    3_000,
  );

/** What is in the files that an instance writes for itself. */
function filesOf({ body }: FakeLambdaInstance): string {
  const { write_files } = JSON.parse(String(body['user_data']).replace('#cloud-config\n', '')) as {
    write_files: readonly { content: string }[];
  };
  return write_files.map(({ content }) => Buffer.from(content, 'base64').toString('utf8')).join('\n');
}

async function open(): Promise<LambdaWorld> {
  const fake = await startFakeLambda({ token: TOKEN });
  const adapter = adapterAt(fake.url);
  const byKey = (key: string): FakeLambdaInstance[] => fake.instances.filter(({ name }) => name === key);
  const change = (id: string, status: string): void =>
    void Object.assign(fake.instances.find((one) => one.id === id) ?? {}, { status });
  return {
    fake,
    adapter,
    adrift: adapterAt('http://127.0.0.1:9'),
    credential: new Secret(TOKEN),
    wrong: new Secret('not-the-token'),
    config: { command: ['python', 'train.py'] },
    hardware: 'gpu_1x_a10',
    runsOf: (key) => byKey(key).length,
    submitted: (key) => byKey(key).map(filesOf),
    become: (id, state) => change(id, STATUSES[state]),
    say: change,
    forget: (id) =>
      void fake.instances.splice(
        fake.instances.findIndex((one) => one.id === id),
        1,
      ),
    failNext: (call, fault) => fake.failNext(CALLS[call], fault),
    async close() {
      await adapter.close();
      await fake.close();
    },
  };
}

const ends = { succeeded: 'lost', cancelled: 'lost' } as const;
adapterContract('lambda', { lists: true, logs: false, words: true, credential: true, ends }, open);

describe('lambda', () => {
  let world: LambdaWorld;
  beforeEach(async () => {
    world = await open();
  });
  afterEach(() => world.close());

  const submit = async (
    more: Parameters<typeof submissionTo>[1] = {},
  ): Promise<{ id: string; key: string }> => {
    const submission = submissionTo(world, more);
    const { externalId } = await world.adapter.submit(submission, world.credential);
    return { id: externalId, key: submission.runKey };
  };

  it.each(Object.entries(LAMBDA_STATES))('takes %s for %j', async (status, known) => {
    const { id } = await submit();
    world.say?.(id, status);
    expect(await lookAt(world, id)).toEqual({ word: status, ...known });
  });

  it('launches one instance of the kind, with our key as its name and tag', async () => {
    const { key } = await submit();
    expect(world.fake.instances[0]?.body).toEqual({
      region_name: 'us-east-1',
      instance_type_name: 'gpu_1x_a10',
      ssh_key_names: ['ops'],
      name: key,
      tags: [{ key: 'lineclear-run-key', value: key }],
      user_data: expect.stringMatching(/^#cloud-config\n/) as string,
    });
  });

  it('launches nothing that would never be stopped', async () => {
    const failure = await failureIn(submit({ maxRuntimeSeconds: null }));
    expect([failure.kind, world.fake.calls['launch']]).toEqual(['refused', undefined]);
    expect(failure.message).toContain('max_runtime_seconds');
  });

  it.each([
    [{ command: 'train' }, 'command'],
    [{ command: ['x'], env: { 'A-B': '1' } }, 'A-B'],
  ])('refuses the config %j, at the submit already', async (config, message) => {
    expect(JSON.stringify(jobConfigs['lambda']?.safeParse(config).error?.issues)).toContain(message);
    expect((await failureIn(submit({ config }))).kind).toBe('refused');
  });

  const said = (code: string): object => ({ error: { code, message: 'no', suggestion: null } });
  it.each([
    [400, said('instance-operations/launch/insufficient-capacity'), 'busy', 60_000],
    [400, said('global/quota-exceeded'), 'busy', 300_000],
    [400, said('global/invalid-parameters'), 'refused', undefined],
    [403, said('global/account-inactive'), 'denied', undefined],
    [429, undefined, 'busy', 12_000],
    [500, 'oh', 'unknown', undefined],
    [200, { data: { instance_ids: [] } }, 'unknown', undefined],
  ] as const)('says of a launch with %d %j: %s', async (status, body, kind, retryAfterMs) => {
    world.failNext('submit', { status, ...(body === undefined ? {} : { body }) });
    const failure = await failureIn(submit());
    expect([failure.kind, failure.retryAfterMs]).toEqual([kind, retryAfterMs]);
  });

  it.each(['instances', 'terminate'] as const)('rests a second after too many of %s', async (call) => {
    const { id } = await submit();
    world.fake.failNext(call, { status: 429 });
    const doing = {
      instances: () => lookAt(world, id),
      terminate: () => world.adapter.cancel(id, world.credential),
    };
    expect(await failureIn(doing[call]())).toMatchObject({ kind: 'busy', retryAfterMs: 1_000 });
  });

  it('terminates what is unhealthy, which costs until then', async () => {
    const { id } = await submit();
    await world.become(id, 'failed');
    await world.adapter.release?.(id, world.credential);
    expect(world.fake.instances[0]?.status).toBe('terminated');
  });

  it('looks at all of them with one request', async () => {
    const ids = [(await submit()).id, (await submit()).id, (await submit()).id];
    expect((await world.adapter.get(ids, world.credential)).size).toBe(3);
    expect(world.fake.calls['instances']).toBe(1);
  });

  it('lists what is not ours without a key', async () => {
    const { id } = await submit();
    Object.assign(world.fake.instances[0] ?? {}, { name: 'by-hand' });
    expect(await world.adapter.list?.([], world.credential)).toEqual([
      { externalId: id, title: 'by-hand', seen: { word: 'booting', state: 'starting' } },
    ]);
  });

  it('tells the price of each type', async () => {
    expect(await world.adapter.prices?.(world.credential)).toEqual(
      new Map([
        ['gpu_1x_a10', { usdPerHour: 0.75, gpus: 1 }],
        ['gpu_8x_h100_sxm5', { usdPerHour: 23.92, gpus: 8 }],
        ['cpu_4x_general', { usdPerHour: 0.08, gpus: 0 }],
      ]),
    );
  });

  it('has no log', async () => {
    expect(await world.adapter.logs('x', '7', true, world.credential)).toMatchObject({
      text: '',
      more: false,
    });
  });
});
