import { jobConfigs } from '@lineclear/contracts';
import { Secret } from '@lineclear/kit';
import { startFakeSkypilot, type FakeSkypilot, type FakeSkypilotJob } from '@lineclear/testkit';
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
import { configured } from './provider-config.fixture.js';
import { outputIn } from './skypilot-log.js';
import { SKYPILOT_STATES, SkypilotAdapter } from './skypilot.js';

const TOKEN = 'sky_token-of-the-account';
const STATUSES: Readonly<Record<RemoteWord, string>> = {
  starting: 'STARTING',
  running: 'RUNNING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
};
// Looking for a job begins with whether a launch waits.
const CALLS = {
  submit: 'launch',
  find: 'status',
  get: 'queue',
  list: 'queue',
  cancel: 'cancel',
  logs: 'logs',
} as const satisfies Record<ContractCall, string>;

interface SkypilotWorld extends ContractWorld {
  readonly fake: FakeSkypilot;
}

const adapterAt = (base_url: string): SkypilotAdapter =>
  new SkypilotAdapter('cloud', configured('skypilot', { base_url, secret: 'SKYPILOT_TOKEN' }), 3_000);

async function open(): Promise<SkypilotWorld> {
  const fake = await startFakeSkypilot({ token: TOKEN });
  const adapter = adapterAt(fake.url);
  const byKey = (key: string): FakeSkypilotJob[] => fake.jobs.filter(({ job_name }) => job_name === key);
  const change = (id: string, patch: Partial<FakeSkypilotJob>): void =>
    void Object.assign(fake.jobs.find(({ job_id }) => String(job_id) === id) ?? {}, patch);
  return {
    fake,
    adapter,
    adrift: adapterAt('http://127.0.0.1:9'),
    credential: new Secret(TOKEN),
    wrong: new Secret('not-the-token'),
    config: { run: 'python train.py' },
    hardware: 'A100:8',
    runsOf: (key) => byKey(key).length,
    submitted: (key) => byKey(key)[0]?.task,
    become: (id, state) => change(id, { status: STATUSES[state] }),
    say: (id, status) => change(id, { status }),
    forget: (id) =>
      void fake.jobs.splice(
        fake.jobs.findIndex(({ job_id }) => String(job_id) === id),
        1,
      ),
    // It puts the task and the process before each line.
    write(id, text) {
      const log = fake.jobs.find(({ job_id }) => String(job_id) === id)?.log ?? '';
      const begun = log === '' || log.endsWith('\n') ? '(task, pid=2101) ' : '';
      change(id, { log: log + begun + text.replaceAll(/\n(?=.)/g, '\n(task, pid=2101) ') });
    },
    failNext: (call, fault) => fake.failNext(CALLS[call], fault),
    async close() {
      await adapter.close();
      await fake.close();
    },
  };
}

adapterContract('skypilot', { lists: true, logs: true, words: true, credential: true }, open);

describe('skypilot', () => {
  let world: SkypilotWorld;
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
  const find = (key: string): Promise<{ externalId: string } | null> =>
    world.adapter.find(key, world.credential);
  const taskOf = (key: string): unknown => JSON.parse(String(world.submitted(key)));

  it.each(Object.entries(SKYPILOT_STATES))('takes %s for %j', async (status, known) => {
    const { id } = await submit();
    world.say?.(id, status);
    expect(await lookAt(world, id)).toEqual({ word: status, ...known });
  });

  it('says why a job failed, and when', async () => {
    const { id } = await submit();
    Object.assign(world.fake.jobs[0] ?? {}, {
      status: 'FAILED_NO_RESOURCE',
      failure_reason: 'no A100 anywhere',
      end_at: 1_700_000_500.5,
    });
    expect(await lookAt(world, id)).toMatchObject({
      message: 'no A100 anywhere',
      endedAt: new Date(1_700_000_500_500),
    });
  });

  it('sends a task, its name, and its secrets apart from what anybody may see', async () => {
    const env = new Map([['HF_TOKEN', { name: 'hf-token', value: new Secret('hush') }]]);
    const config = {
      command: ['python', "it's.py"],
      setup: 'pip install .',
      resources: { infra: 'aws', use_spot: true, cpus: '8+' },
      envs: { EPOCHS: '3', HF_TOKEN: 'not this' },
    };
    const { key } = await submit({ config, env, outputPath: 's3://out', jobId: 'job_7' });
    expect(taskOf(key)).toEqual({
      name: key,
      setup: 'pip install .',
      run: `'python' 'it'\\''s.py'`,
      resources: { infra: 'aws', use_spot: true, cpus: '8+', accelerators: 'A100:8' },
      envs: {
        EPOCHS: '3',
        LINECLEAR_RUN_KEY: key,
        LINECLEAR_JOB_ID: 'job_7',
        LINECLEAR_ATTEMPT: '1',
        LINECLEAR_OUTPUT_PATH: 's3://out',
      },
      secrets: { HF_TOKEN: 'hush' },
    });
    const sent = world.fake.bodies.find(({ path }) => path === 'jobs/launch')?.body;
    expect(sent).toMatchObject({ name: key, env_vars: { SKYPILOT_USER: 'lineclear' } });
  });

  it('asks for no accelerator where the hardware is a cpu', async () => {
    const { key } = await submit({ hardware: 'cpu' });
    expect(taskOf(key)).toMatchObject({ run: 'python train.py', resources: {} });
  });

  it.each([
    [{}, 'command'],
    [{ run: 'x', command: ['x'] }, 'command'],
    [{ run: 'x', resources: { accelerators: 'H100:8' } }, 'accelerators'],
    [{ run: 'x', num_nodes: 4 }, 'num_nodes'],
    [{ run: 'x', envs: { 'A-B': '1' } }, 'A-B'],
  ])('refuses the config %j, at the submit already', async (config, message) => {
    expect(JSON.stringify(jobConfigs['skypilot']?.safeParse(config).error?.issues)).toContain(message);
    expect((await failureIn(submit({ config }))).kind).toBe('refused');
  });

  it('asks a server without accounts without a credential', () => {
    const provider = configured('skypilot', { base_url: 'http://127.0.0.1:46580' });
    expect(new SkypilotAdapter('cloud', provider, 1_000).authSecret).toBeUndefined();
  });

  describe('a launch', () => {
    it('that is worked on later is followed by its request, and then by its name', async () => {
      world.fake.holdLaunches();
      const { id, key } = await submit();
      expect(id).toMatch(/^launch\//);
      expect(id.length).toBeLessThanOrEqual(200);
      expect(await lookAt(world, id)).toEqual({ state: 'submitted', word: 'launch' });
      world.fake.work();
      world.fake.forgetRequests();
      expect(await lookAt(world, id)).toMatchObject({ word: 'PENDING' });
      expect(world.runsOf(key)).toBe(1);
    });

    it('that waits may be the one that is looked for: nobody says that there is none', async () => {
      world.fake.holdLaunches();
      const submission = submissionTo(world);
      world.failNext('submit', 'lose the answer');
      await failureIn(world.adapter.submit(submission, world.credential));
      expect((await failureIn(find(submission.runKey))).kind).toBe('unknown');
      expect((await failureIn(find('lc-other-a1'))).kind).toBe('unknown');
      world.fake.work();
      expect(await find(submission.runKey)).toEqual({ externalId: '1' });
      expect(await find('lc-other-a1')).toBeNull();
    });

    it('that is stopped while it waits never runs', async () => {
      world.fake.holdLaunches();
      const { id, key } = await submit();
      await world.adapter.cancel(id, world.credential);
      world.fake.work();
      expect(await lookAt(world, id)).toEqual({ state: 'cancelled', word: 'launch cancelled' });
      expect(world.runsOf(key)).toBe(0);
    });

    it('that is stopped once it is a job is stopped by its name', async () => {
      world.fake.holdLaunches();
      const { id } = await submit();
      world.fake.work();
      await world.adapter.cancel(id, world.credential);
      expect(await lookAt(world, id)).toMatchObject({ state: 'cancelled' });
    });

    it('that the server refuses is refused, with what it says', async () => {
      world.fake.failRequest('jobs.launch', 'ValueError', 'no such cloud');
      expect(await failureIn(submit())).toMatchObject({
        kind: 'refused',
        message: 'ValueError: no such cloud',
      });
    });

    it('that failed when its job was made already has made it', async () => {
      world.fake.failRequest('jobs.launch', 'RuntimeError', 'lost the controller', true);
      const { id, key } = await submit();
      expect([id, world.runsOf(key)]).toEqual(['1', 1]);
    });

    it('that fails later is a run that failed', async () => {
      world.fake.holdLaunches();
      world.fake.failRequest('jobs.launch', 'ValueError', 'no such cloud');
      const { id } = await submit();
      world.fake.work();
      expect(await lookAt(world, id)).toMatchObject({
        state: 'failed',
        message: 'ValueError: no such cloud',
      });
      world.fake.forgetRequests();
      expect(await lookAt(world, id)).toBeUndefined();
    });
  });

  it('finds a job by its whole name only', async () => {
    const { key } = await submit();
    expect(await find(key.slice(0, -1))).toBeNull();
  });

  it('wakes a controller that sleeps, because it knows how jobs ended', async () => {
    const { id } = await submit();
    await world.become(id, 'succeeded');
    world.fake.sleep();
    expect(await lookAt(world, id)).toMatchObject({ state: 'succeeded' });
  });

  it('takes a controller that was never made for an empty queue', async () => {
    for (let time = 0; time < 2; time += 1)
      world.fake.failRequest('jobs.queue_v2', 'ClusterNotUpError', 'no controller');
    expect(await find('lc-x-a1')).toBeNull();
  });

  it('takes a queue that could not be read for no answer', async () => {
    const { id } = await submit();
    world.fake.failRequest('jobs.queue_v2', 'RuntimeError', 'no ssh');
    expect(await failureIn(lookAt(world, id))).toMatchObject({
      kind: 'unknown',
      message: 'RuntimeError: no ssh',
    });
  });

  it.each([
    [
      { status: 429, headers: { 'retry-after': '9' } },
      { kind: 'busy', retryAfterMs: 9_000 },
    ],
    [{ status: 429 }, { kind: 'busy' }],
    [{ status: 404 }, { kind: 'unknown' }],
    [{ status: 200, body: { status: 'PONDERING' } }, { kind: 'unknown' }],
    [{ status: 200, body: { request_id: 'r', status: 'PONDERING' } }, { kind: 'unknown' }],
    [
      { status: 200, body: { request_id: 'r', status: 'SUCCEEDED', return_value: '{"jobs":3}' } },
      { kind: 'unknown' },
    ],
    [{ status: 500, body: 'oh' }, { kind: 'unknown' }],
  ] as const)('says of the result %j: %j', async (fault, expected) => {
    const { id } = await submit();
    world.fake.failNext('result', fault);
    expect(await failureIn(lookAt(world, id))).toMatchObject(expected);
  });

  it('lists what is not over with one request and its result', async () => {
    const { id, key } = await submit();
    const [others, over] = [await submit(), await submit()];
    await world.become(over.id, 'succeeded');
    Object.assign(world.fake.jobs[1] ?? {}, { status: 'RUNNING', job_name: 'train-by-hand' });
    const listed = await world.adapter.list?.([], world.credential);
    expect(listed).toEqual([
      {
        externalId: id,
        runKey: key,
        title: key,
        createdAt: new Date(1_700_000_001_000),
        seen: { word: 'PENDING', state: 'submitted' },
      },
      {
        externalId: others.id,
        title: 'train-by-hand',
        createdAt: new Date(1_700_000_002_000),
        seen: { word: 'RUNNING', state: 'running' },
      },
    ]);
    expect(world.fake.calls['queue']).toBe(1);
    expect(world.fake.bodies.at(-1)?.body).toMatchObject({ skip_finished: true, all_users: true });
  });

  it('does not mind that there is no controller to stop a job on', async () => {
    const { id } = await submit();
    world.fake.failRequest('jobs.cancel', 'ClusterNotUpError', 'no controller');
    await world.adapter.cancel(id, world.credential);
    world.fake.failRequest('jobs.cancel', 'RuntimeError', 'no ssh');
    expect((await failureIn(world.adapter.cancel(id, world.credential))).kind).toBe('unknown');
  });

  it('reads the log of a job anew when it begins anew, on another machine', async () => {
    const { id } = await submit();
    await world.write?.(id, 'one\ntwo\n');
    const first = await world.adapter.logs(id, null, false, world.credential);
    Object.assign(world.fake.jobs[0] ?? {}, { log: '(task, pid=9) one\n' });
    const again = await world.adapter.logs(id, first.cursorAt(first.text.length), false, world.credential);
    expect(again.text).toBe('one\n');
  });

  it.each([
    ['├── Waiting for task resources on 1 node.\n(task, pid=12) hi\n✓ Job finished\n', 'hi\n'],
    ['\u001b[36m(task, pid=12)\u001b[0m \u001b[31mred\u001b[0m\n', 'red\n'],
    ['(worker1, rank=1, pid=7, ip=10.0.0.2) a (b) c\n(setup pid=3) pip\n', 'a (b) c\npip\n'],
    ['(not, a prefix) x\n', ''],
  ])('takes from the log %j what the job wrote', (log, output) => {
    expect(outputIn(log)).toBe(output);
  });
});
