import type { ResourceRule } from '@lineclear/contracts';
import { client, expectProblem, type Answer, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { JOB, openHouse, type House } from './house.js';

let house: House;
let ada: Person;

beforeAll(async () => {
  house = await openHouse();
  await house.limits({ max_concurrent: 1_000, user_max_concurrent: 1_000 });
});
afterAll(() => house?.close());
beforeEach(() => {
  ada = house.folk.add('researcher');
});

const rule = (
  id: number,
  type: ResourceRule['type'],
  pattern: string,
  action: ResourceRule['action'] = 'allow',
): ResourceRule => ({ id, name: `rule ${id}`, type, pattern, action });

/** All that a submit leaves behind. */
const stored = async (): Promise<unknown> =>
  Promise.all(
    ['jobs', 'idempotency_keys', 'submissions', 'slots', 'lanes', 'branches', 'pools', 'ledger'].map(
      (table) => house.service.database.query(`select count(*) as n from ${table}`),
    ),
  );
const expectRefused = (answer: Answer, field: string, detail: string): void => {
  expect(answer.status, JSON.stringify(answer.body)).toBe(403);
  expectProblem(answer, detail, field);
  expect(answer.body.detail).toContain(detail);
};

it('refuses what a rule denies or none allows, names the field, and stores nothing', async () => {
  await house.folk.restrict(ada, [rule(1, 'config', 'team-x-*'), rule(2, 'config', '*', 'deny')]);
  const before = await stored();
  const other = await house.submit(ada, { config_name: 'team-y-flux', idempotency_key: 'k' });
  expectRefused(other, 'config_name', 'the resource rule "rule 2" denies the configuration "team-y-flux"');
  expect(other.body.errors).toHaveLength(1);
  expect(await stored()).toEqual(before);
  // The key is as free as it was.
  const own = await house.submit(ada, { config_name: 'team-x-flux', idempotency_key: 'k' });
  expect(own.status, JSON.stringify(own.body)).toBe(202);
});

it.each([
  ['hardware', [rule(1, 'hardware', 'gpu-t4*')], {}, 'no resource rule allows the hardware "local"'],
  ['provider', [rule(1, 'provider', 'replicate')], {}, 'no resource rule allows the provider "local"'],
  [
    'output_path',
    [rule(1, 'output_path', 'team-x/**')],
    { output_path: 'team-x/../team-y/out' },
    'no resource rule allows the output path "team-x/../team-y/out"',
  ],
  [
    'output_path',
    [rule(1, 'output_path', 's3://bucket/team-x/**')],
    { output_path: 's3://bucket/team-x/%2e%2e/team-y' },
    'which holds a percent sign',
  ],
] as const)('refuses by %s', async (field, rules, more, detail) => {
  await house.folk.restrict(ada, rules);
  const before = await stored();
  expectRefused(await house.submit(ada, more), field, detail);
  expect(await stored()).toEqual(before);
});

it('names every field that is refused', async () => {
  await house.folk.restrict(ada, [rule(1, 'hardware', 'a100'), rule(2, 'config', 'team-x-*')]);
  const { body } = await house.submit(ada);
  expect(body.errors.map(({ path }: { path: string }) => path)).toEqual(['config_name', 'hardware']);
});

it.each([
  ['nothing is restricted', [], {}],
  ['a rule allows it', [rule(1, 'hardware', 'loc*'), rule(2, 'provider', 'local')], {}],
  ['an allow stands beside a deny', [rule(1, 'config', '*', 'deny'), rule(2, 'config', 'tiny')], {}],
  ['it has no output path to judge', [rule(1, 'output_path', 'team-x/**')], {}],
  ['its path is in the folder', [rule(1, 'output_path', 'team-x/**')], { output_path: './team-x//out/' }],
] as const)('takes a job when %s', async (_, rules, more) => {
  await house.folk.restrict(ada, rules);
  expect((await house.submit(ada, more)).status).toBe(202);
});

it('judges an admin only by rules that are given to admins', async () => {
  const boss = house.folk.add('admin');
  await house.folk.restrict(ada, [rule(1, 'config', 'team-x-*')]);
  expect((await house.submit(boss)).status).toBe(202);
  await house.folk.restrict(boss, [rule(2, 'config', 'team-x-*')]);
  await vi.waitFor(async () => expect((await house.submit(boss)).status).toBe(403));
  await house.folk.restrict(boss, []);
});

it('goes by a new rule as soon as it is told of, on every replica, and answers for known keys as before', async () => {
  const replica = await house.replica();
  const there = (more: object): Promise<Answer> =>
    client(replica.url, ada.token).post('/api/cloud/local/submit', { ...JOB, ...more });
  expect((await house.submit(ada)).status).toBe(202);
  const first = await there({ idempotency_key: 'before' });
  expect(first.status).toBe(202);

  await house.folk.restrict(ada, [rule(1, 'config', 'team-x-*')]);
  await vi.waitFor(async () => expect((await house.submit(ada)).status).toBe(403));
  await vi.waitFor(async () => expect((await there({})).status).toBe(403));
  const before = await stored();
  expectRefused(await there({}), 'config_name', 'no resource rule allows the configuration "tiny"');
  const again = await there({ idempotency_key: 'before' });
  expect([again.status, again.body.job_id]).toEqual([202, first.body.job_id]);
  expect(again.headers.get('location')).toBe(`/api/cloud/jobs/${first.body.job_id}`);
  const otherRequest = await there({ idempotency_key: 'before', config_name: 'other' });
  expect(otherRequest.status).toBe(422);
  expect(await stored()).toEqual(before);

  await house.folk.restrict(ada, []);
  await vi.waitFor(async () => expect((await house.submit(ada)).status).toBe(202));
});
