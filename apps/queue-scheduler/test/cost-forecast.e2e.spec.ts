import { quotaChanged } from '@lineclear/contracts';
import type { Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { emptyQueue, openHouse, type House } from './house.js';

let house: House;
let admin: Person;
let lead: Person;
let ada: Person;
let eve: Person;
const ML = { id: 1, slug: 'ml' };
const NLP = { id: 11, slug: 'nlp', role: 'member' as const };

beforeAll(async () => {
  house = await openHouse();
  admin = house.folk.add('admin');
  lead = house.folk.add('lead', { org: ML });
  ada = house.folk.add('researcher', { org: ML, teams: [NLP] });
  eve = house.folk.add('researcher', {
    org: { id: 2, slug: 'globex' },
    teams: [{ id: 22, slug: 'vision', role: 'member' }],
  });
  await house.as(admin).put('/api/cloud/providers/local/config', {
    hardware: { local: { cost_per_hour_usd: 0 }, gpu: { cost_per_hour_usd: 10 } },
  });
});
afterAll(() => house?.close());

/** Jobs of $10 each: of ada one that cost $4 and two that wait, of eve, who used less, one that runs. */
beforeEach(async () => {
  await emptyQueue(house);
  await house.limits({ max_concurrent: 1, user_max_concurrent: 5 });
  const first = await submit(ada);
  await soon(first, 'dispatching');
  await submit(ada);
  await submit(ada);
  const eves = await submit(eve);
  await house.ended(first, 'succeeded', { cost_usd: 4 });
  await soon(eves, 'dispatching');
});
const submit = async (person: Person): Promise<string> =>
  (await house.submit(person, { hardware: 'gpu', estimated_duration_seconds: 3_600 })).body.job_id;
const soon = (jobId: string, state: string): Promise<void> =>
  vi.waitFor(async () => expect(await house.status(jobId)).toBe(state));
const forecast = async (person: Person, by?: string) => {
  const { status, body } = await house
    .as(person)
    .get(`/api/cloud/metrics/forecast${by === undefined ? '' : `?by=${by}`}`);
  expect(status).toBe(200);
  return body as { forecasts: Forecast[]; total: number; month_ends_at: string };
};
interface Forecast {
  readonly subject: string;
  readonly spent_usd: number;
  readonly reserved_usd: number;
  readonly waiting_usd: number;
  readonly per_day_usd: number;
  readonly projected_usd: number;
  readonly limits: readonly { readonly limit: string; readonly reached_at: string | null }[];
}
const ADAS = { spent_usd: 4, reserved_usd: 0, waiting_usd: 20 };
const EVES = { spent_usd: 0, reserved_usd: 10, waiting_usd: 0 };

it('adds up what is spent, set aside and waiting, and goes on at the rate of a week', async () => {
  const { forecasts, total } = await forecast(ada);
  expect(total).toBe(3);
  for (const [n, subject] of [`user:${ada.principal.user_id}`, 'team:11', 'org:1'].entries())
    expect(forecasts[n]).toMatchObject({ subject, ...ADAS, limits: [] });
  const { per_day_usd: perDay, projected_usd: projected } = forecasts[0]!;
  // Today is one of the seven days, of which at least six are over.
  expect(perDay).toBeGreaterThan(4 / 7 - 0.001);
  expect(perDay).toBeLessThanOrEqual(4 / 6);
  expect(projected).toBeGreaterThanOrEqual(24);
  expect(projected).toBeLessThan(24 + 31 * perDay);
  expect((await forecast(eve)).forecasts[0]).toMatchObject(EVES);
});

it('is of all teams, organisations and providers for who may see their jobs, and of one’s own organisation alone', async () => {
  const subjects = async (person: Person, by: string) =>
    (await forecast(person, by)).forecasts.map(({ subject }) => subject);
  expect(await subjects(admin, 'team')).toEqual(['team:11', 'team:22']);
  expect(await subjects(admin, 'org')).toEqual(['org:1', 'org:2']);
  expect(await subjects(lead, 'team')).toEqual(['team:11']);
  expect(await subjects(lead, 'org')).toEqual(['org:1']);
  expect(await subjects(house.folk.add('lead'), 'org')).toEqual([]);
  expect((await forecast(admin, 'provider')).forecasts).toMatchObject([
    { subject: 'provider:local', spent_usd: 4, reserved_usd: 10, waiting_usd: 20, limits: [] },
  ]);
  for (const by of ['team', 'org', 'provider'])
    expect((await house.as(ada).get(`/api/cloud/metrics/forecast?by=${by}`)).status).toBe(403);
  expect((await house.as(admin).get('/api/cloud/metrics/forecast?by=level')).body).toMatchObject({
    status: 400,
    errors: [{ path: 'by' }],
  });
});

it('says when budgets and cost limits are reached at this rate, if they are', async () => {
  const budgets = [
    { scope: 'level', subject: 'researcher', limit: 1_000_000, action: 'block' },
    { scope: 'team', subject: '11', limit: 24, action: 'warn' },
    { scope: 'org', subject: '2', limit: 1, action: 'warn' },
  ] as const;
  for (const [n, budget] of budgets.entries())
    await house.peer.publish(quotaChanged, { ...budget, quota_type: 'cost_monthly' }, { version: n + 1 });
  await vi.waitFor(async () =>
    expect(await house.service.database.query('select 1 from quotas')).toHaveLength(budgets.length),
  );
  const [own, team, org] = (await forecast(ada)).forecasts;
  expect(own!.limits).toMatchObject([
    {
      limit: 'quota:level:researcher',
      amount_usd: 1_000_000,
      period: 'monthly',
      action: 'block',
      reached_at: null,
    },
  ]);
  expect(team!.limits).toMatchObject([{ limit: 'quota:team:11', action: 'warn' }]);
  // All of it is spent or promised already.
  expect(team!.limits[0]!.reached_at).not.toBeNull();
  expect(org!.limits).toEqual([]);
  const config = { cost_limit_enabled: true, cost_limit_amount: 30, cost_limit_period: 'daily' };
  await house.as(admin).put('/api/cloud/providers/local/config', config);
  const [provider] = (await forecast(admin, 'provider')).forecasts;
  expect(provider!.limits).toMatchObject([{ limit: 'cost:local', amount_usd: 30, period: 'daily' }]);
  await house.as(admin).put('/api/cloud/providers/local/config', { cost_limit_enabled: false });
});
