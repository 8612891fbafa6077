import { evaluateJobs, type JobFacts } from '@lineclear/contracts';
import { expectProblem, refusesBadInput, type Client, type Person } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { factsOf, newJobId, openHouse, openRequest, verdictOf, type House } from './house.js';

let house: House;
let people: Record<'viewer' | 'researcher' | 'lead' | 'admin', Person>;
let admin: Client;

const highCost = {
  name: 'high_cost',
  condition: 'cost_exceeds',
  threshold: '50',
  required_approver_level: 'lead',
  exempt_levels: ['admin'],
};

beforeAll(async () => {
  house = await openHouse();
  const { folk } = house;
  people = {
    viewer: folk.add('viewer'),
    researcher: folk.add('researcher'),
    lead: folk.add('lead'),
    admin: folk.add('admin'),
  };
  admin = house.as(people.admin);
});
beforeEach(async () => {
  for (const { id } of (await admin.get('/api/approvals/rules')).body.rules)
    await admin.delete(`/api/approvals/rules/${id}`);
});
afterAll(async () => house?.close());

const verdict = (facts?: Partial<JobFacts>) => verdictOf(house, facts);

describe('levels of a rule', () => {
  it('may be ones that somebody made, and must be ones that its author reaches', async () => {
    const { folk } = house;
    await folk.level('senior', { priority: 25, permissions: ['job.submit'] });
    await folk.level('steward', { priority: 40, permissions: ['admin.config', 'admin.approve'] });
    const rule = {
      ...highCost,
      threshold: 50,
      required_approver_level: 'senior',
      exempt_levels: ['steward', 'lead'],
      applies_to_level: 'researcher',
    };
    // What the admin could reach before is forgotten when auth tells of the levels.
    const made = await vi.waitFor(async () => {
      const answer = await admin.post('/api/approvals/rules', rule);
      expect(answer.status).toBe(201);
      return answer.body;
    });
    expect(made).toMatchObject(rule);
    expect(await verdict()).toMatchObject({ required_level: 'senior' });
    expect(await verdict({ level: 'senior' })).toBeNull();

    const steward = house.as(folk.add('steward'));
    const path = `/api/approvals/rules/${made.id}`;
    const beyond: [string, object][] = [
      ['required_approver_level', { required_approver_level: 'admin' }],
      ['exempt_levels.1', { exempt_levels: ['lead', 'admin'] }],
      ['applies_to_level', { applies_to_level: 'nobody' }],
    ];
    for (const [field, change] of beyond) {
      expectProblem(await steward.post('/api/approvals/rules', { ...rule, ...change }), field, field);
      expectProblem(await steward.patch(path, change), field, field);
    }
    expect((await admin.get('/api/approvals/rules')).body).toMatchObject({ total: 1, rules: [made] });
    expect((await steward.patch(path, { required_approver_level: 'steward' })).status).toBe(200);
    expect((await steward.patch(path, { applies_to_level: null })).body.applies_to_level).toBeNull();
  });
});

describe('rules over HTTP', () => {
  it('takes the documented example as it is printed, and shows it typed', async () => {
    const made = await admin.post('/api/approvals/rules', highCost);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      ...highCost,
      threshold: 50,
      is_active: true,
      priority: 0,
      created_by: people.admin.principal.username,
    });
    expect(made.body).toMatchObject({ description: null, applies_to_provider: null, applies_to_level: null });
    expect((await admin.get(`/api/approvals/rules/${made.body.id}`)).body).toEqual(made.body);
    expect((await admin.get('/api/approvals/rules')).body).toEqual({ rules: [made.body], total: 1 });
  });

  it('lists in the order of asking, and only the active ones on request', async () => {
    for (const [name, priority, is_active] of [
      ['a', 0, true],
      ['b', 5, true],
      ['c', 5, false],
      ['d', 9, true],
    ]) {
      expect(
        (await admin.post('/api/approvals/rules', { ...highCost, name, priority, is_active })).status,
      ).toBe(201);
    }
    const names = async (query: string): Promise<string[]> =>
      (await admin.get(`/api/approvals/rules${query}`)).body.rules.map((rule: { name: string }) => rule.name);
    expect(await names('')).toEqual(['d', 'b', 'c', 'a']);
    expect(await names('?active_only=true')).toEqual(['d', 'b', 'a']);
    expectProblem(await admin.get('/api/approvals/rules?active_only=maybe'), 'active_only', 'active_only');
  });

  it('changes what is named and keeps the rest; a threshold must fit the condition', async () => {
    const { body } = await admin.post('/api/approvals/rules', {
      ...highCost,
      applies_to_provider: 'replicate',
      description: 'dear',
    });
    const path = `/api/approvals/rules/${body.id}`;
    const changed = await admin.patch(path, { threshold: 80, priority: 3, applies_to_provider: null });
    expect(changed.status).toBe(200);
    expect(changed.body).toEqual({
      ...body,
      threshold: 80,
      priority: 3,
      applies_to_provider: null,
      updated_at: changed.body.updated_at,
    });
    expectProblem(
      await admin.patch(path, { condition: 'hardware_type' }),
      'no threshold for the new condition',
      'threshold',
    );
    expectProblem(await admin.patch(path, { threshold: 'abc' }), 'not a number', 'threshold');
    expect((await admin.patch(path, { condition: 'first_job' })).body).toMatchObject({
      condition: 'first_job',
      threshold: null,
    });
    expect((await admin.patch(path, { condition: 'hardware_type', threshold: 'h100*' })).body).toMatchObject({
      threshold: 'h100*',
    });
    expect((await admin.patch(path, {})).body).toMatchObject({
      condition: 'hardware_type',
      description: 'dear',
    });
  });

  it('says which conditions there are', async () => {
    const { status, body } = await admin.get('/api/approvals/conditions');
    expect(status).toBe(200);
    expect(body.conditions.map((one: { value: string }) => one.value)).toEqual([
      'cost_exceeds',
      'hardware_type',
      'daily_jobs_exceed',
      'first_job',
      'config_pattern',
      'provider',
      'expression',
    ]);
  });

  it('removes a rule that has requests; they stay as they are', async () => {
    const { body } = await admin.post('/api/approvals/rules', highCost);
    const { id } = await openRequest(house, {}, { rule_id: body.id, rule_name: body.name });
    expect((await admin.delete(`/api/approvals/rules/${body.id}`)).body).toEqual({ deleted: body.id });
    expect((await admin.delete(`/api/approvals/rules/${body.id}`)).status).toBe(404);
    expect((await admin.get(`/api/approvals/rules/${body.id}`)).status).toBe(404);
    expect((await admin.patch(`/api/approvals/rules/${body.id}`, {})).status).toBe(404);
    const { body: request } = await admin.get(`/api/approvals/requests/${id}`);
    expect(request).toMatchObject({
      rule_id: body.id,
      rule_name: 'high_cost',
      required_level: 'lead',
      status: 'pending',
    });
    expect((await admin.post(`/api/approvals/requests/${id}/approve`)).status).toBe(200);
  });

  it('is seen by approvers and changed by admins only', async () => {
    const { body } = await admin.post('/api/approvals/rules', highCost);
    const path = `/api/approvals/rules/${body.id}`;
    const statuses = async (person: Person): Promise<number[]> => {
      const http = house.as(person);
      return [
        (await http.get('/api/approvals/rules')).status,
        (await http.get('/api/approvals/conditions')).status,
        (await http.get(path)).status,
        (await http.post('/api/approvals/rules', highCost)).status,
        (await http.patch(path, { priority: 1 })).status,
        (await http.delete(path)).status,
      ];
    };
    expect(await statuses(people.viewer)).toEqual([403, 403, 403, 403, 403, 403]);
    expect(await statuses(people.researcher)).toEqual([403, 403, 403, 403, 403, 403]);
    expect(await statuses(people.lead)).toEqual([200, 200, 200, 403, 403, 403]);
    expect(await statuses(people.admin)).toEqual([200, 200, 200, 201, 200, 200]);
    expect(await statuses({ ...people.admin, token: 'lc_nobody' })).toEqual([401, 401, 401, 401, 401, 401]);
  });

  it('refuses bad rules when they are set, names the field, and keeps nothing', async () => {
    const wrong: [string, object][] = [
      ['name', { ...highCost, name: '' }],
      ['name', { ...highCost, name: 'x'.repeat(121) }],
      ['name', { ...highCost, name: 5 }],
      ['description', { ...highCost, description: 'x'.repeat(1_001) }],
      ['condition', { ...highCost, condition: 'phase_of_moon' }],
      ['threshold', { ...highCost, threshold: 'abc' }],
      ['threshold', { ...highCost, threshold: -1 }],
      ['threshold', { ...highCost, threshold: null }],
      ['threshold', { ...highCost, threshold: {} }],
      ['threshold', { ...highCost, threshold: 'x'.repeat(500) }],
      ['threshold', { ...highCost, condition: 'config_pattern', threshold: '^(a+' }],
      ['threshold', { ...highCost, condition: 'config_pattern', threshold: '^(?=a)' }],
      ['threshold', { ...highCost, condition: 'first_job' }],
      ['is_active', { ...highCost, is_active: 'yes' }],
      ['priority', { ...highCost, priority: 1.5 }],
      ['applies_to_provider', { ...highCost, applies_to_provider: 'Not One' }],
      ['applies_to_level', { ...highCost, applies_to_level: 'boss' }],
      ['exempt_levels.0', { ...highCost, exempt_levels: ['boss'] }],
      ['exempt_levels', { ...highCost, exempt_levels: 'admin' }],
      ['required_approver_level', { ...highCost, required_approver_level: 'boss' }],
    ];
    await refusesBadInput(admin.post, '/api/approvals/rules', highCost, [
      ...wrong,
      ['condition', { name: 'x' }],
    ]);
    expect((await admin.get('/api/approvals/rules')).body.total).toBe(0);

    const { body } = await admin.post('/api/approvals/rules', highCost);
    const path = `/api/approvals/rules/${body.id}`;
    const change = ([field, all]: [string, object]): [string, object] => [
      field,
      Object.fromEntries(Object.entries(all).filter(([key]) => key === field.split('.')[0])),
    ];
    const changes = wrong.filter(([field]) => field !== 'threshold').map(change);
    await refusesBadInput(admin.patch, path, {}, [
      ...changes,
      ['threshold', { threshold: 'abc' }],
      ['threshold', { threshold: null }],
    ]);
    expect((await admin.get(path)).body).toEqual(body);
    for (const id of ['0', '-1', 'x', '1.5', '99999999999'])
      expectProblem(await admin.get(`/api/approvals/rules/${id}`), id, 'id');
  });
});

describe('approvals.evaluate', () => {
  it('judges a batch, one verdict per job in order, and writes nothing', async () => {
    const { body } = await admin.post('/api/approvals/rules', highCost);
    const jobs = Array.from({ length: 256 }, (_, n) => factsOf(newJobId(), { estimated_cost_usd: n }));
    const { verdicts } = await house.peer.ask(evaluateJobs, { jobs });
    expect(verdicts.map((one) => one.job_id)).toEqual(jobs.map((job) => job.job_id));
    expect(verdicts.map((one) => one.approval !== null)).toEqual(
      jobs.map((job) => job.estimated_cost_usd > 50),
    );
    expect(new Set(verdicts.flatMap((one) => one.approval?.approval_id ?? [])).size).toBe(205);
    expect(verdicts[72]?.approval).toMatchObject({
      rule_id: body.id,
      rule_name: 'high_cost',
      reason: 'estimated cost $72.00 exceeds $50.00',
      required_level: 'lead',
    });
    const hours =
      (new Date(verdicts[72]!.approval!.expires_at).getTime() - house.clock.now().getTime()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThanOrEqual(24);
    expect(
      (await admin.get('/api/approvals/requests')).body.requests.filter(
        (one: { job_id: string }) => one.job_id === jobs[72]!.job_id,
      ),
    ).toEqual([]);
  });

  it('follows each change of the rules at once', async () => {
    expect(await verdict()).toBeNull();
    const { body } = await admin.post('/api/approvals/rules', highCost);
    expect(await verdict()).toMatchObject({ rule_id: body.id });
    expect(await verdict({ level: 'admin' })).toBeNull();
    await admin.patch(`/api/approvals/rules/${body.id}`, { threshold: 72 });
    expect(await verdict()).toBeNull();
    await admin.patch(`/api/approvals/rules/${body.id}`, { threshold: 10, required_approver_level: 'admin' });
    expect(await verdict()).toMatchObject({ required_level: 'admin' });
    await admin.patch(`/api/approvals/rules/${body.id}`, { is_active: false });
    expect(await verdict()).toBeNull();
    await admin.patch(`/api/approvals/rules/${body.id}`, { is_active: true });
    await admin.delete(`/api/approvals/rules/${body.id}`);
    expect(await verdict()).toBeNull();
  });

  it('asks a hundred rules in order', async () => {
    const conditions = [
      ['cost_exceeds', 1_000],
      ['hardware_type', 'h100*'],
      ['config_pattern', '^sdxl'],
      ['daily_jobs_exceed', 50],
      ['provider', 'runpod'],
    ] as const;
    for (let n = 0; n < 99; n += 1) {
      const [condition, threshold] = conditions[n % conditions.length]!;
      await admin.post('/api/approvals/rules', { name: `rule ${n}`, condition, threshold, priority: n });
    }
    expect(await verdict()).toBeNull();
    await admin.post('/api/approvals/rules', {
      name: 'last',
      condition: 'hardware_type',
      threshold: 'A100*',
      priority: -1,
    });
    expect(await verdict()).toMatchObject({ rule_name: 'last', reason: 'hardware a100-80gb matches A100*' });
    expect(await verdict({ hardware: 'h100' })).toMatchObject({ rule_name: 'rule 96' });
  });

  it('knows in every replica of a change made in one', async () => {
    const second = await house.boot();
    try {
      // The group's answers come from either; none may come from before the change for longer than a second.
      await Promise.all(Array.from({ length: 20 }, () => verdict()));
      await admin.post('/api/approvals/rules', highCost);
      await vi.waitFor(async () => {
        const verdicts = await Promise.all(Array.from({ length: 20 }, () => verdict()));
        expect(verdicts.every((one) => one !== null)).toBe(true);
      });
    } finally {
      await second.close();
    }
  });

  it('sees a change that nobody announced', async () => {
    expect(await verdict()).toBeNull();
    await house.service.database.tx(async (tx) => {
      await tx.query(`insert into approval_rule (name, condition, is_active, priority, exempt_levels, required_approver_level, created_by_id, created_by, created_at, updated_at)
        values ('quiet', 'first_job', true, 0, '{}', 'lead', 1, 'x', now(), now())`);
      await tx.query('update rules_version set version = version + 1');
    });
    await vi.waitFor(async () =>
      expect(await verdict({ first_job: true })).toMatchObject({ rule_name: 'quiet' }),
    );
  });

  it('gives no answer, rather than an old one, when it cannot look at the rules', async () => {
    const { database } = house.service;
    expect(await verdict()).toBeNull();
    await database.query('alter table rules_version rename to rules_version_away');
    try {
      await vi.waitFor(() => expect(verdict()).rejects.toThrow('the answerer failed'));
    } finally {
      await database.query('alter table rules_version_away rename to rules_version');
    }
    expect(await verdict()).toBeNull();
  });
});

it('holds what goes beyond a quota that asks for a human, and no rule holds', async () => {
  const need = await verdict({
    estimated_cost_usd: 1,
    over_quota: ['the quota cost_daily of the org 1 is used up'],
  });
  expect(need).toMatchObject({
    rule_id: 0,
    rule_name: 'quota',
    reason: 'the quota cost_daily of the org 1 is used up',
    required_level: 'lead',
  });
});

it('holds a job for a secret of its that takes an approval, also where a permission or a level passes rules', async () => {
  const secrets_needing_approval = [{ name: 'PROD_KEY', level: 'admin', scope: 'global' }];
  expect(await verdict({ estimated_cost_usd: 1, level: 'admin', secrets_needing_approval })).toMatchObject({
    rule_id: 0,
    rule_name: 'secret',
    reason: 'the secret PROD_KEY needs an approval',
    required_level: 'admin',
  });
});
