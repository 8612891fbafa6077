import type { Person } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { emptyQueue, openHouse, recount, type House } from './house.js';

let house: House;
let ada: Person;
let ben: Person;

beforeAll(async () => {
  house = await openHouse();
  ada = house.folk.add('researcher', { username: 'ada' });
  ben = house.folk.add('researcher', { username: 'ben' });
});
afterEach(async () => {
  expect(await recount(house)).toEqual([]);
  await emptyQueue(house);
  await house.limits({ max_concurrent: 20, user_max_concurrent: 20 });
});
afterAll(() => house?.close());

const expectSoon = (jobId: string, state: string): Promise<void> =>
  vi.waitFor(async () => expect(await house.status(jobId)).toBe(state));
const submit = async (more: object = {}): Promise<string> => {
  const { status, body } = await house.submit(ada, more);
  expect({ status, body }).toMatchObject({ status: 202 });
  return body.job_id;
};
const after = (job_id: string, when = 'afterok') => ({ depends_on: [{ job_id, when }] });

describe('a job that follows another', () => {
  it('waits until that has ended well, and then goes', async () => {
    const first = await submit();
    const second = await submit(after(first));
    const { body } = await house.as(ada).get(`/api/cloud/jobs/${second}`);
    expect(body).toMatchObject({
      status: 'queued',
      unmet_dependencies: 1,
      waiting: { reason: 'dependency' },
    });
    await expectSoon(first, 'dispatching');
    await house.ended(first);
    await expectSoon(second, 'dispatching');
  });

  it('is cancelled with all that follow it where it can go no more', async () => {
    const first = await submit();
    const second = await submit(after(first));
    const third = await submit(after(second));
    const anyway = await submit(after(third, 'afterany'));
    const instead = await submit(after(first, 'afternotok'));
    await expectSoon(first, 'dispatching');
    await house.ended(first, 'failed');
    for (const id of [second, third]) await expectSoon(id, 'cancelled');
    for (const id of [anyway, instead]) await expectSoon(id, 'dispatching');
    expect(await house.row(second)).toMatchObject({
      end_reason: 'dependency_failed',
      message: `${first}, which it was to follow (afterok), is failed`,
      cost_usd: 0,
    });
  });

  it('goes at once after one that has ended', async () => {
    const first = await submit();
    await expectSoon(first, 'dispatching');
    await house.ended(first);
    await expectSoon(first, 'completed');
    await expectSoon(await submit(after(first)), 'dispatching');
  });

  it('waits for its approval too', async () => {
    const first = await submit();
    const held = await submit({ config_name: 'held', ...after(first) });
    await expectSoon(first, 'dispatching');
    await house.ended(first);
    await vi.waitFor(async () => expect(await house.row(held)).toMatchObject({ unmet: 0 }));
    expect(await house.status(held)).toBe('pending_approval');
  });

  it.each<[string, object]>([
    ['submit', {}],
    ['arrays', { config: { command: ['echo', 'lr {{lr}}'] }, parameters: { lr: [1, 2] } }],
  ])(
    'is told of again under its key (%s), also when what it follows has come out otherwise',
    async (path, more) => {
      const first = await submit();
      const send = (idempotency_key: string) =>
        house.as(ada).post(`/api/cloud/local/${path}`, {
          config_name: 'tiny',
          config: { command: ['true'] },
          hardware: 'local',
          idempotency_key,
          ...after(first),
          ...more,
        });
      const { status, body } = await send(`${path} again`);
      expect(status, JSON.stringify(body)).toBe(202);
      const id = body.job_id ?? body.jobs[0].job_id;
      await expectSoon(first, 'dispatching');
      await house.ended(first, 'failed');
      await expectSoon(id, 'cancelled');
      const again = await send(`${path} again`);
      expect(again.status).toBe(202);
      expect(again.body.job_id ?? again.body.jobs[0].job_id).toBe(id);
      expect((await send(`${path} anew`)).status).toBe(400);
    },
  );

  it('is found by another replica when the one that ended the first died', async () => {
    const first = await submit();
    const second = await submit(after(first));
    await house.service.database.query(`update dependencies set ended_as = 'completed'`);
    await expectSoon(second, 'dispatching');
  });

  it.each<[string, () => Promise<object>]>([
    ['a job that is not there', async () => after(`job_${'0'.repeat(32)}`)],
    ['a job of somebody else', async () => after((await house.submit(ben)).body.job_id as string)],
    [
      'one that ended otherwise',
      async () => {
        const first = await submit();
        await expectSoon(first, 'dispatching');
        await house.ended(first, 'failed');
        await expectSoon(first, 'failed');
        return after(first);
      },
    ],
  ])('is refused for %s, and nothing is stored', async (_, more) => {
    const body = await more();
    const count = async (): Promise<unknown> =>
      (await house.service.database.query('select count(*)::int4 as n from jobs'))[0];
    const before = await count();
    const answer = await house.submit(ada, body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toMatch(/^depends_on\.0/);
    expect(await count()).toEqual(before);
  });
});

describe('an array', () => {
  const ARRAY = {
    config_name: 'sweep',
    config: { command: ['train', '--lr={{lr}}', '{{rank}}'], env: {} },
    hardware: 'local',
    parameters: { lr: [0.1, 0.01], rank: ['8', '16'] },
  };
  const post = (more: object = {}) => house.as(ada).post('/api/cloud/local/arrays', { ...ARRAY, ...more });

  it('is a job for each combination, and shows how far they have come', async () => {
    const { status, body } = await post();
    expect(status).toBe(202);
    expect(body.jobs.map(({ parameters }: { parameters: object }) => parameters)).toEqual([
      { lr: 0.1, rank: '8' },
      { lr: 0.1, rank: '16' },
      { lr: 0.01, rank: '8' },
      { lr: 0.01, rank: '16' },
    ]);
    expect((await house.row(body.jobs[1].job_id))['config']).toMatchObject({
      command: ['train', '--lr=0.1', '16'],
    });
    for (const { job_id } of body.jobs) await expectSoon(job_id, 'dispatching');
    await house.ended(body.jobs[0].job_id);
    await expectSoon(body.jobs[0].job_id, 'completed');
    const shown = await house.as(ada).get(`/api/cloud/arrays/${body.array_id}`);
    expect(shown.body).toMatchObject({
      total: 4,
      by_status: { completed: 1, dispatching: 3 },
      is_over: false,
    });
  });

  it('runs no more at once than it may', async () => {
    const { body } = await post({ max_parallel: 2 });
    const ids: string[] = body.jobs.map(({ job_id }: { job_id: string }) => job_id);
    for (const id of ids.slice(0, 2)) await expectSoon(id, 'dispatching');
    expect(await house.status(ids[2]!)).toBe('queued');
    await house.ended(ids[0]!, 'failed');
    await expectSoon(ids[2]!, 'dispatching');
    expect(await house.status(ids[3]!)).toBe('queued');
  });

  it('is cancelled as a whole, by who may', async () => {
    const { body } = await post({ max_parallel: 1 });
    expect((await house.as(ben).post(`/api/cloud/arrays/${body.array_id}/cancel`)).status).toBe(404);
    const answer = await house.as(ada).post(`/api/cloud/arrays/${body.array_id}/cancel`);
    expect(answer.body).toMatchObject({ cancelled: 4 });
    for (const { job_id } of body.jobs.slice(1)) expect(await house.status(job_id)).toBe('cancelled');
  });

  it('is the same again under the same key', async () => {
    const key = { idempotency_key: 'sweep-1' };
    const [one, two] = [await post(key), await post(key)];
    expect(two.body.array_id).toBe(one.body.array_id);
    expect(two.body.jobs.map(({ job_id }: { job_id: string }) => job_id)).toEqual(
      one.body.jobs.map(({ job_id }: { job_id: string }) => job_id),
    );
    expect((await post({ ...key, config_name: 'other' })).status).toBe(422);
  });

  it('is stored as a whole or not at all', async () => {
    await house.service.database.query(
      `insert into quotas (scope, subject, quota_type, limit_value, action, version) values ('user', $1, 'jobs_per_day', 3, 'block', 1)`,
      [String(ada.principal.user_id)],
    );
    const { status } = await post();
    expect(status).toBe(429);
    expect(await house.service.database.query('select from jobs')).toEqual([]);
  });

  it('holds a rule off each of its jobs', async () => {
    const { body } = await post({ config_name: 'held-sweep' });
    for (const { status } of body.jobs) expect(status).toBe('pending_approval');
  });

  it.each<[string, object, string]>([
    ['a parameter that nothing says', { parameters: { ...ARRAY.parameters, seed: [1] } }, 'parameters.seed'],
    ['a name that is no parameter', { parameters: { lr: [1] } }, 'config'],
    ['no parameter', { parameters: {} }, 'parameters'],
    [
      'too many jobs',
      { parameters: { lr: Array.from({ length: 501 }, (_, n) => n), rank: ['a', 'b'] } },
      'parameters',
    ],
    ['none at once', { max_parallel: 0 }, 'max_parallel'],
    [
      'values that make a config larger than one may be',
      {
        config: { command: Array.from({ length: 20 }, () => '{{lr}}'.repeat(32)) },
        parameters: { lr: ['x'.repeat(1_000)] },
      },
      'config',
    ],
  ])('is refused for %s', async (_, more, path) => {
    const { status, body } = await post(more);
    expect(status).toBe(400);
    expect(body.errors[0].path).toBe(path);
  });
});
