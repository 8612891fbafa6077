import {
  jobClaimed,
  quotaChanged,
  quotaExceeded,
  quotaWarning,
  usageOf,
  type Quota,
} from '@lineclear/contracts';
import { client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Sweep } from '../src/jobs/sweep.js';
import { JOB, emptyQueue, openHouse, recount, type House } from './house.js';

let house: House;
let version = 0;
const ORG = { id: 1, slug: 'ml' };
const NLP = { id: 11, slug: 'nlp', role: 'member' as const };
const VISION = { id: 12, slug: 'vision', role: 'member' as const };

beforeAll(async () => {
  house = await openHouse();
  const admin = house.folk.add('admin', { username: 'prices' });
  await house.as(admin).put('/api/cloud/providers/local/config', {
    hardware: { local: { cost_per_hour_usd: 0 }, gpu: { cost_per_hour_usd: 10, gpus: 4 } },
  });
});
afterAll(() => house?.close());
beforeEach(async () => {
  await emptyQueue(house);
  await house.limits({ max_concurrent: 100, user_max_concurrent: 100 });
});

/** What auth does when a quota is set, or (without a limit) taken away; comes back when it holds. */
async function set(quota: Omit<Quota, 'limit' | 'action'> & Partial<Quota>): Promise<void> {
  version += 1;
  await house.peer.publish(quotaChanged, quota, { version });
  const mine = version;
  await vi.waitFor(async () => {
    const rows = await house.service.database.query('select 1 from quotas where version >= $1', [mine]);
    expect(rows).toHaveLength(1);
  });
}
const org = (quota_type: Quota['quota_type'], limit: number, action: Quota['action'] = 'block'): Quota => ({
  scope: 'org',
  subject: '1',
  quota_type,
  limit,
  action,
});
const member = (teams = [NLP]): Person => house.folk.add('researcher', { org: ORG, teams });
const GPU_HOUR = { hardware: 'gpu', estimated_duration_seconds: 3_600 };
const states = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      await house.service.database.query<{ state: string; n: number }>(
        'select state, count(*) as n from jobs group by 1',
      )
    ).map(({ state, n }) => [state, n]),
  );

describe('jobs at once', () => {
  it('queues what goes beyond: 100 in the org, 3 in the team, 5 for each user', async () => {
    await set(org('concurrent_jobs', 100));
    await set({ scope: 'team', subject: '11', quota_type: 'concurrent_jobs', limit: 3, action: 'block' });
    const [ada, ben] = [member([NLP, VISION]), member()];
    await set({ scope: 'global', subject: '*', quota_type: 'concurrent_jobs', limit: 5, action: 'block' });
    const first: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      const { status, body } = await house.submit(ada);
      expect([status, body.warnings]).toEqual([202, []]);
      first.push(body.job_id);
    }
    await house.submit(ben);
    await vi.waitFor(async () => expect(await states()).toEqual({ dispatching: 3, queued: 2 }));
    // The same person goes on in another team, up to what one person may have.
    for (let n = 0; n < 4; n += 1) expect((await house.submit(ada, { team: 'vision' })).status).toBe(202);
    await vi.waitFor(async () => expect(await states()).toEqual({ dispatching: 5, queued: 4 }));
    const teamOf = new Map(house.peer.events(jobClaimed).map(({ data }) => [data.job_id, data.team_id]));
    expect(teamOf.get(first[0]!)).toBe(11);
    expect([...teamOf.values()]).toContain(12);
    expect(await recount(house)).toEqual([]);
    await house.ended(first[0]!);
    // The team that used less goes first, with a job of the same person, who is full then; so another one's goes in this team.
    await vi.waitFor(async () => expect(await states()).toEqual({ completed: 1, dispatching: 6, queued: 2 }));
    expect(await recount(house)).toEqual([]);
    // A ceiling that is taken away lets them all go, but for what bounds the person.
    await set({ scope: 'team', subject: '11', quota_type: 'concurrent_jobs' });
    await vi.waitFor(async () => expect((await states())['dispatching']).toBe(6));
    await set({
      scope: 'user',
      subject: String(ada.principal.user_id),
      quota_type: 'concurrent_jobs',
      limit: 50,
      action: 'block',
    });
    await vi.waitFor(async () => expect(await states()).toEqual({ completed: 1, dispatching: 8 }));
    expect(await recount(house)).toEqual([]);
  });

  it('holds with two replicas and 60 submits at once, in whatever order', async () => {
    const replica = await house.replica();
    await set(org('concurrent_jobs', 7));
    await set({ scope: 'team', subject: '11', quota_type: 'concurrent_jobs', limit: 4, action: 'block' });
    const people = [member(), member([VISION]), member(), member([VISION]), house.folk.add('researcher')];
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        client(n % 2 ? replica.url : house.service.url, people[n % 5]!.token).post(
          '/api/cloud/local/submit',
          JOB,
        ),
      ),
    );
    const counted = async () => {
      const [row] = await house.service.database.query<
        Record<'org' | 'nlp' | 'nlp_open' | 'vision_open' | 'others', number>
      >(
        `with open as (select * from jobs where ended_at is null), held as (select * from open where state <> 'queued')
         select (select count(*) from held where org_id = 1) as org, (select count(*) from held where team_id = 11) as nlp,
           (select count(*) from open where team_id = 11) as nlp_open, (select count(*) from open where team_id = 12) as vision_open,
           (select count(*) from jobs where org_id is null and state <> 'queued') as others`,
      );
      return row!;
    };
    for (let open = 48; open > 0;) {
      await vi.waitFor(async () => {
        const now = await counted();
        expect(now.nlp).toBeLessThanOrEqual(4);
        // No more, and no fewer, than the ceilings allow.
        expect(now.org).toBe(Math.min(7, Math.min(4, now.nlp_open) + now.vision_open));
        expect(now.others).toBe(12);
        open = now.nlp_open + now.vision_open;
      });
      expect(await recount(house)).toEqual([]);
      const running = await house.service.database.query<{ id: string }>(
        `select id from jobs where state = 'dispatching'`,
      );
      await Promise.all(running.map(({ id }) => house.ended(id)));
    }
  });
});

describe('counts and costs', () => {
  it('refuses what a quota blocks, however many come at once, and stores nothing of it', async () => {
    const replica = await house.replica();
    await set(org('jobs_per_day', 10));
    const people = [member(), member([VISION]), member()];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        client(n % 2 ? replica.url : house.service.url, people[n % 3]!.token).post(
          '/api/cloud/local/submit',
          JOB,
        ),
      ),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(10);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(30);
    expect(refused[0]!.body).toMatchObject({
      errors: [
        {
          path: 'quota',
          message:
            'the quota jobs_per_day of the org 1 allows 10 jobs a day; with this job it would be 11 jobs a day',
        },
      ],
    });
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await house.service.database.query('select 1 from jobs')).length).toBe(10);
    expect((await house.submit(house.folk.add('researcher'))).status).toBe(202);
    expect(await recount(house)).toEqual([]);
    // Told once, and once that most of it was used.
    await vi.waitFor(() => {
      expect(house.peer.events(quotaExceeded)).toHaveLength(1);
      expect(house.peer.events(quotaWarning)).toHaveLength(1);
    });
    expect(house.peer.events(quotaExceeded)[0]!.data).toMatchObject({ refused: true, used: 11, org_id: 1 });
    expect(house.peer.events(quotaWarning)[0]!.data).toMatchObject({ used: 8, quota: { limit: 10 } });
  });

  it('counts money that waits, that runs, and that was really spent', async () => {
    await set(org('cost_daily', 30));
    const ada = member();
    await house.limits({ max_concurrent: 1, user_max_concurrent: 1 });
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) ids.push((await house.submit(ada, GPU_HOUR)).body.job_id);
    expect((await house.submit(ada, { ...GPU_HOUR, estimated_duration_seconds: 1 })).status).toBe(429);
    await vi.waitFor(async () => expect(await house.status(ids[0]!)).toBe('dispatching'));
    // It cost $4, not $10: $6 are back.
    await house.ended(ids[0]!, 'succeeded', { cost_usd: 4 });
    await vi.waitFor(async () => expect(await house.status(ids[1]!)).toBe('dispatching'));
    expect((await house.submit(ada, { ...GPU_HOUR, estimated_duration_seconds: 2_200 })).status).toBe(429);
    const more = await house.submit(ada, { ...GPU_HOUR, estimated_duration_seconds: 2_100 });
    expect(more.status).toBe(202);
    // One that waits is cancelled: all of it is back.
    await house.as(ada).post(`/api/cloud/jobs/${ids[2]}/cancel`);
    expect((await house.submit(ada, { ...GPU_HOUR, estimated_duration_seconds: 3_500 })).status).toBe(202);
    expect(await recount(house)).toEqual([]);
  });

  it('lets jobs wait for the next period that a lowered quota leaves no money for, and go when there is some', async () => {
    const [ada, ben] = [member(), member([VISION])];
    await house.limits({ max_concurrent: 1, user_max_concurrent: 5 });
    const blocker = (await house.submit(house.folk.add('researcher'))).body.job_id as string;
    const [costly, cheap, elsewhere, other] = [
      (await house.submit(ada, GPU_HOUR)).body.job_id as string,
      (await house.submit(ada, { ...GPU_HOUR, estimated_duration_seconds: 60 })).body.job_id as string,
      (await house.submit(ada)).body.job_id as string,
      (await house.submit(ben)).body.job_id as string,
    ];
    await set({ scope: 'team', subject: '11', quota_type: 'cost_monthly', limit: 5, action: 'block' });
    await house.limits({ max_concurrent: 9, user_max_concurrent: 5 });
    await vi.waitFor(async () => {
      expect([await house.status(other), await house.status(elsewhere)]).toEqual([
        'dispatching',
        'dispatching',
      ]);
    });
    // What stands behind it waits too, but for what wants other machines.
    expect([await house.status(costly), await house.status(cheap)]).toEqual(['queued', 'queued']);
    await set({ scope: 'team', subject: '11', quota_type: 'cost_monthly', limit: 11, action: 'block' });
    await vi.waitFor(async () => {
      expect([await house.status(costly), await house.status(cheap)]).toEqual(['dispatching', 'dispatching']);
    });
    expect(await house.status(blocker)).toBe('dispatching');
    expect(await recount(house)).toEqual([]);
  });

  it.each([
    ['warn', 202, 1, 0],
    ['notify', 202, 1, 1],
  ] as const)('lets jobs in with %s', async (action, status, warnings, told) => {
    const before = house.peer.events(quotaExceeded).length;
    await set({ scope: 'level', subject: 'researcher', quota_type: 'gpu_hours_monthly', limit: 3, action });
    const answer = await house.submit(member(), GPU_HOUR);
    expect([answer.status, answer.body.warnings.length]).toEqual([status, warnings]);
    expect(answer.body.warnings[0]).toContain(
      'gpu_hours_monthly of the level researcher allows 3 GPU hours a month',
    );
    await vi.waitFor(async () => expect(await house.status(answer.body.job_id)).toBe('dispatching'));
    await vi.waitFor(() => expect(house.peer.events(quotaExceeded).length - before).toBe(told));
  });

  it('tells of a quota that runs used up by costing more than was expected', async () => {
    const told = () =>
      [...house.peer.events(quotaWarning), ...house.peer.events(quotaExceeded)].flatMap(({ data }) =>
        data.quota.limit === 41 ? [{ used: data.used, of: data.job_id }] : [],
      );
    await set(org('cost_monthly', 41, 'notify'));
    const ada = member();
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) ids.push((await house.submit(ada, GPU_HOUR)).body.job_id);
    const [first, second, third] = ids;
    await vi.waitFor(async () => expect(await states()).toEqual({ dispatching: 3 }));
    await house.ended(first!, 'succeeded', { cost_usd: 9 });
    // Ends of two jobs may be heard in any order.
    await vi.waitFor(async () => expect(await states()).toEqual({ completed: 1, dispatching: 2 }));
    await house.ended(second!, 'succeeded', { cost_usd: 14 });
    await vi.waitFor(() => expect(told()).toEqual([{ used: 33, of: second }]));
    await house.ended(third!, 'failed', { cost_usd: 19 });
    await vi.waitFor(() =>
      expect(told()).toEqual([
        { used: 33, of: second },
        { used: 42, of: third },
      ]),
    );
    expect(house.peer.events(quotaExceeded).at(-1)!.data).toMatchObject({
      refused: false,
      quota: { limit: 41 },
    });
  });

  it('tells anew of a quota that was raised, and not of one that was lowered', async () => {
    const limits = (limit: number) => ({
      scope: 'level' as const,
      subject: 'lead',
      quota_type: 'jobs_per_day' as const,
      limit,
      action: 'notify' as const,
    });
    const lea = house.folk.add('lead');
    const told = () =>
      house.peer
        .events(quotaExceeded)
        .flatMap(({ data: { quota } }) => (quota.subject === 'lead' ? [quota.limit] : []));
    await set(limits(2));
    for (let n = 0; n < 3; n += 1) expect((await house.submit(lea)).status).toBe(202);
    await vi.waitFor(() => expect(told()).toEqual([2]));
    await set(limits(1));
    expect((await house.submit(lea)).body.warnings).toHaveLength(1);
    await set(limits(4));
    expect((await house.submit(lea)).body.warnings).toHaveLength(1);
    await vi.waitFor(() => expect(told()).toEqual([2, 4]));
  });

  it('asks a human where a quota says so, and tells approvals why', async () => {
    await set(org('cost_daily', 5, 'require_approval'));
    const { status, body } = await house.submit(member(), GPU_HOUR);
    expect([status, body.status]).toEqual([202, 'awaiting_evaluation']);
    expect(body.warnings[0]).toMatch(/^a human decides first: the quota cost_daily of the org 1/);
    const facts = (await house.row(body.job_id))['facts'] as { over_quota: string[] };
    expect(facts).toMatchObject({ org_id: 1, team_ids: [NLP.id] });
    expect(facts.over_quota).toHaveLength(1);
    expect((await house.submit(member(), { ...GPU_HOUR, config_name: 'held by a rule' })).body.status).toBe(
      'pending_approval',
    );
  });

  it('takes the most particular of a person’s quotas, and believes no old news', async () => {
    const ada = member();
    const mine = {
      scope: 'user',
      subject: String(ada.principal.user_id),
      quota_type: 'jobs_per_hour',
    } as const;
    await set({ scope: 'global', subject: '*', quota_type: 'jobs_per_hour', limit: 0, action: 'block' });
    expect((await house.submit(ada)).status).toBe(429);
    await set({ ...mine, limit: 1, action: 'block' });
    expect((await house.submit(ada)).status).toBe(202);
    expect((await house.submit(ada)).status).toBe(429);
    await house.peer.publish(quotaChanged, { ...mine, limit: 99, action: 'block' }, { version: 1 });
    await set({ scope: 'user', subject: '424242', quota_type: 'jobs_per_hour', limit: 1, action: 'block' });
    expect((await house.submit(ada)).status).toBe(429);
  });
});

it('tells what is used', async () => {
  await house.limits({ max_concurrent: 1, user_max_concurrent: 1 });
  const ada = member();
  await house.submit(ada, GPU_HOUR);
  await house.submit(ada, GPU_HOUR);
  await vi.waitFor(async () => expect(await states()).toEqual({ dispatching: 1, queued: 1 }));
  const all = {
    concurrent_jobs: 1,
    jobs_per_hour: 2,
    jobs_per_day: 2,
    cost_daily: 20,
    cost_monthly: 20,
    gpu_hours_monthly: 8,
  };
  const none = {
    concurrent_jobs: 0,
    jobs_per_hour: 0,
    jobs_per_day: 0,
    cost_daily: 0,
    cost_monthly: 0,
    gpu_hours_monthly: 0,
  };
  expect(
    await house.peer.ask(usageOf, { user_id: ada.principal.user_id, team_ids: [11, 12], org_id: 1 }),
  ).toEqual({
    user: all,
    teams: [
      { id: 11, use: all },
      { id: 12, use: none },
    ],
    org: all,
  });
  expect(await house.peer.ask(usageOf, { user_id: 999, team_ids: [] })).toEqual({ user: none, teams: [] });
});

it('forgets hours and crossings that no quota looks at any more', async () => {
  const { database, app } = house.service;
  await database.query(`insert into usage (scope, subject, hour, submitted, usd, gpu_seconds) values
    ('user', '1', now() - interval '101 days', 1, 1, 1), ('user', '1', now() - interval '99 days', 1, 1, 1), ('user', '1', 'infinity', 0, 1, 1)`);
  await database.query(`insert into quotas_told (scope, subject, quota_type, what, period) values
    ('user', '1', 'cost_daily', 'exceeded', now() - interval '101 days'),
    ('user', '1', 'cost_daily', 'exceeded', now() - interval '99 days')`);
  await app.get(Sweep).process();
  expect(await database.query(`select 1 from usage where hour < now() - interval '100 days'`)).toEqual([]);
  expect(await database.query('select 1 from usage')).toHaveLength(2);
  expect(await database.query('select 1 from quotas_told')).toHaveLength(1);
});

it('counts jobs under a team that the person is in, the first one when none is named', async () => {
  const ada = member([NLP, VISION]);
  const named = (await house.submit(ada, { team: 'vision' })).body.job_id;
  const unnamed = (await house.submit(ada)).body.job_id;
  expect((await house.row(named))['team_id']).toBe(12);
  expect((await house.row(unnamed))['team_id']).toBe(11);
  for (const team of ['robotics', 'Vision!', '', 7, null])
    expect((await house.submit(ada, { team })).body).toMatchObject({
      status: 400,
      errors: [{ path: 'team' }],
    });
  expect((await house.submit(house.folk.add('researcher'), { team: 'nlp' })).status).toBe(400);
});
