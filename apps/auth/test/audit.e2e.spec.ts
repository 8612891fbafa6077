import { auditRecorded } from '@lineclear/contracts';
import { startService, type RunningService } from '@lineclear/kit';
import { expectProblem } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { openAuditHouse, said, type AuditHouse } from './audit-house.js';

let house: AuditHouse;
let replica: RunningService;

beforeAll(async () => {
  house = await openAuditHouse();
  replica = await startService(define(house.env, { clock: house.clock }));
}, 60_000);
afterAll(async () => {
  await replica?.close();
  await house?.close();
});

describe('what two replicas append', () => {
  it('has neither gaps nor forks', async () => {
    const before = (await house.seqs()).length;
    const sent = Array.from({ length: 120 }, (_, n) => said('test.concurrent', { details: { n } }));
    await Promise.all(sent.map((one) => house.peer.publish(auditRecorded, one)));
    const person = await house.person('viewer');
    await Promise.all([
      ...sent.map((one) => house.peer.publish(auditRecorded, one)),
      ...Array.from({ length: 5 }, () => person.http.post('/api/auth/api-keys', { name: 'more' })),
    ]);
    await vi.waitFor(async () =>
      expect((await house.entries('action=test.concurrent&limit=500')).length).toBe(240),
    );
    await house.settled();
    const found = await house.seqs();
    expect(found.length).toBeGreaterThan(before + 240);
    expect(found).toEqual(found.map((_, index) => index + 1));
    expect(await house.verify()).toEqual({
      valid: true,
      checked: found.length,
      first_seq: 1,
      last_seq: found.length,
      broken: [],
    });
  });

  it('is there once, however often it comes', async () => {
    await house.peer.publishTogether(
      auditRecorded,
      [said('test.twice'), said('test.twice')],
      'c0ffee00-0000-4000-8000-000000000001',
    );
    const id = await house.peer.publish(auditRecorded, said('test.once'));
    await house.peer.publish(auditRecorded, said('test.once'), { id });
    await vi.waitFor(async () => expect(await house.entries('action=test.twice')).toHaveLength(2));
    await house.settled();
    expect(await house.entries('action=test.once')).toHaveLength(1);
  });
});

describe('what people do', () => {
  it('is there with who did it, from where, by what, and what became of it', async () => {
    const person = await house.person('researcher');
    const change = { level: 'lead' };
    await house.admin.patch(`/api/users/${person.id}`, change, { 'x-request-id': 'req-of-the-change' });
    await house.settled();
    const [entry] = await house.entries(`target=user/${person.id}&action=user.changed`);
    expect(entry).toMatchObject({
      service: 'auth',
      action: 'user.changed',
      outcome: 'done',
      by: 'person',
      actor_id: house.adminId,
      actor_username: 'root',
      via: 'api_key',
      credential_id: expect.any(Number),
      address: '127.0.0.1',
      request_id: 'req-of-the-change',
      target: `user/${person.id}`,
      details: { level: { from: 'researcher', to: 'lead' } },
      count: 1,
    });
    expect(entry.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  it('is there with who logged in, and who could not, without what they typed', async () => {
    const person = await house.person('viewer');
    const typed = 'hunter2 in the wrong field';
    await house.anonymous.post('/api/auth/login', { username: person.username, password: 'wrong password' });
    await house.anonymous.post('/api/auth/login', { username: typed, password: 'wrong password' });
    await house.settled();
    const failed = await house.entries('action=auth.login_failed');
    expect(failed.map(({ details, by, outcome }) => ({ details, by, outcome }))).toEqual([
      {
        details: { username: '(unknown)', failures: expect.any(Number) },
        by: 'anonymous',
        outcome: 'refused',
      },
      { details: { username: person.username, failures: 1 }, by: 'anonymous', outcome: 'refused' },
    ]);
    const [login] = await house.entries(`action=auth.logged_in&actor_id=${person.id}`);
    expect(login).toMatchObject({
      by: 'person',
      actor_username: person.username,
      target: `user/${person.id}`,
    });
    expect(JSON.stringify(await house.query('select * from audit_log'))).not.toContain('hunter2');
    // They were told of as what they are: not once more as a refusal.
    expect(await house.entries('action=access.refused')).toEqual([]);
  });

  it('is there as refused with the route, and never with the address as it was sent', async () => {
    const viewer = await house.person('viewer');
    await viewer.http.get('/api/users/7?token=lc_secret');
    await house.anonymous.delete('/api/users/7?token=lc_secret');
    // Refusals are told beside the answers: in whatever order.
    await vi.waitFor(async () => {
      const refused = await house.entries('action=access.refused&outcome=refused');
      expect(
        refused
          .map(({ by, actor_id, details }) => ({ by, actor_id, details }))
          .sort((one, other) => (one.by < other.by ? -1 : 1)),
      ).toEqual([
        {
          by: 'anonymous',
          actor_id: null,
          details: { method: 'DELETE', route: '/api/users/:id', reason: expect.stringContaining('needed') },
        },
        {
          by: 'person',
          actor_id: viewer.id,
          details: {
            method: 'GET',
            route: '/api/users/:id',
            reason: 'this needs the permission admin.users',
          },
        },
      ]);
    });
    expect(JSON.stringify(await house.query('select * from audit_log'))).not.toContain('lc_secret');
  });
});

describe('the list', () => {
  beforeAll(() =>
    house.say(
      said('listed.first', { target: 'thing/1', details: { formula: '=1+1' } }),
      said('listed.second', { target: 'thing/2', outcome: 'refused' }),
      said('listed.third', {
        target: 'thin/1',
        by: 'person',
        actor: { user_id: 777, username: '@cmd', via: 'session' },
      }),
      said('listedelse.first', { target: 'thing2/1' }),
    ),
  );

  it.each([
    ['action=listed.first', ['listed.first']],
    ['action=listed.*', ['listed.third', 'listed.second', 'listed.first']],
    ['action=listed.*&outcome=refused', ['listed.second']],
    ['actor_id=777', ['listed.third']],
    ['target=thing/2', ['listed.second']],
    ['target_type=thing', ['listed.second', 'listed.first']],
    ['target_type=thing&target_id=1', ['listed.first']],
    ['action=listed.*&service=auth', []],
    ['action=listed.*&since=2000-01-01T00:00:00Z', ['listed.third', 'listed.second', 'listed.first']],
    ['action=listed.*&until=2000-01-01T00:00:00%2B01:00', []],
    ['action=listed.*&limit=1', ['listed.third']],
  ])('with %s', async (filter, found) => {
    const { body } = await house.admin.get(`/api/audit?${filter}`);
    expect(body.entries.map(({ action }: { action: string }) => action)).toEqual(found);
    if (!filter.includes('limit')) expect(body.total).toBe(found.length);
  });

  it('goes on from page to page, with nothing twice and nothing left out', async () => {
    const all = await house.seqs();
    const paged: number[] = [];
    for (let cursor = ''; ;) {
      const { body } = await house.admin.get(`/api/audit?limit=37${cursor}`);
      expect(body.total).toBe(all.length);
      paged.push(...body.entries.map(({ seq }: { seq: number }) => seq));
      if (body.next_cursor === undefined) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(paged).toEqual(all.toReversed());
  });

  it('tells which actions there are', async () => {
    const { body } = await house.admin.get('/api/audit/actions');
    const known = await house.query<{ action: string }>('select distinct action from audit_log');
    expect(body.actions.toSorted()).toEqual(known.map(({ action }) => action).toSorted());
    expect(body.total).toBe(known.length);
  });

  it('is written out as JSON and as CSV, by the same filters', async () => {
    const json = await house.admin.get('/api/audit/export?action=listed.*');
    expect(json.headers.get('content-type')).toContain('application/json');
    expect(json.body).toEqual(await house.entries('action=listed.*'));
    const csv = await house.admin.get('/api/audit/export?action=listed.*&format=csv');
    expect(csv.headers.get('content-disposition')).toContain('lineclear-audit.csv');
    const lines = (csv.body as string).trimEnd().split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^seq,id,at,service,action/);
    // What a spreadsheet would run is text.
    expect(lines[1]).toContain(",'@cmd,");
    expect(lines[3]).toContain('"{""formula"":""=1+1""}"');
  });

  it('is written out whole, however long it is', async () => {
    const { body } = await house.admin.get('/api/audit/export');
    expect(body.map(({ seq }: { seq: number }) => seq)).toEqual((await house.seqs()).toReversed());
  });

  it.each([
    ['?action=User', 'action'],
    ['?action=*', 'action'],
    ['?actor_id=0', 'actor_id'],
    ['?target_id=1', 'target_type'],
    ['?target=user/1&target_type=user', 'target_type'],
    ['?service=nobody', 'service'],
    ['?outcome=maybe', 'outcome'],
    ['?since=yesterday', 'since'],
    ['?since=0000-01-01T00:00:00Z', 'since'],
    ['?limit=501', 'limit'],
    ['?cursor=-1', 'cursor'],
    ['?no_such=1', 'no_such'],
    ['/export?format=xml', 'format'],
    ['/verify?from=5&to=4', 'to'],
    ['/verify?from=0', 'from'],
    ['/verify?head_seq=4', 'head_mac'],
    ['/verify?head_seq=4&head_mac=ab', 'head_mac'],
  ])('refuses %s by the field', async (path, field) => {
    expectProblem(await house.admin.get(`/api/audit${path}`), path, field);
  });

  it('is for those who may read it', async () => {
    const [researcher, lead] = [await house.person('researcher'), await house.person('lead')];
    for (const path of ['', '/actions', '/head', '/verify', '/export']) {
      expect((await researcher.http.get(`/api/audit${path}`)).status).toBe(403);
      expect((await lead.http.get(`/api/audit${path}`)).status).toBe(200);
    }
  });
});

it('shows to those who read it what their own organisation did, and all of it to those who make organisations', async () => {
  const { admin } = house;
  const orgs = await Promise.all(
    ['audit-acme', 'audit-globex'].map(
      async (slug) => (await admin.post('/api/orgs', { name: slug, slug })).body.organization.id as number,
    ),
  );
  const people = {
    acme: await house.person('lead'),
    globex: await house.person('lead'),
    none: await house.person('lead'),
  };
  await admin.post(`/api/orgs/${orgs[0]}/members`, { user_id: people.acme.id });
  await admin.post(`/api/orgs/${orgs[1]}/members`, { user_id: people.globex.id });
  for (const { http } of Object.values(people)) await http.post('/api/auth/api-keys', { name: 'seen' });
  await house.settled();
  const seenBy = async ({ http }: (typeof people)['none']): Promise<boolean[]> => {
    const { entries } = (await http.get('/api/audit?action=api_key.created&limit=500')).body;
    const ids = (entries as { actor_id: number }[]).map(({ actor_id }) => actor_id);
    return Object.values(people).map(({ id }) => ids.includes(id));
  };
  await vi.waitFor(async () => {
    expect(await seenBy(people.acme)).toEqual([true, false, false]);
    expect(await seenBy(people.globex)).toEqual([false, true, false]);
    expect(await seenBy(people.none)).toEqual([false, false, true]);
  });
  const all = (await admin.get('/api/audit?action=api_key.created&limit=500')).body.entries;
  expect((all as object[]).length).toBeGreaterThanOrEqual(3);
  expect((await people.acme.http.get('/api/audit/export?format=csv')).body).not.toContain(
    people.globex.username,
  );
});

it('knows of every change of organisations, teams, quotas, levels and forgotten passwords', async () => {
  const { admin } = house;
  const { id: user_id, username } = await house.person('viewer');
  const org = (await admin.post('/api/orgs', { name: 'Told', slug: 'told' })).body.organization.id as number;
  const path = `/api/orgs/${org}`;
  await admin.patch(path, { name: 'Told of' });
  const team = (await admin.post(`${path}/teams`, { name: 'T', slug: 't' })).body.team.id as number;
  await admin.patch(`${path}/teams/${team}`, { name: 'Team' });
  const limit = { quota_type: 'cost_daily', limit_value: 5 };
  await admin.post(`${path}/quotas`, limit);
  await admin.post(`${path}/teams/${team}/quotas`, limit);
  await admin.post(`${path}/members`, { user_id });
  await admin.post(`${path}/teams/${team}/members`, { user_id, role: 'member' });
  await admin.patch(`${path}/teams/${team}/members/${user_id}`, { role: 'lead' });
  await admin.delete(`${path}/teams/${team}/members/${user_id}`);
  await admin.delete(`${path}/members/${user_id}`);
  await admin.delete(`${path}/teams/${team}`);
  await admin.delete(path);
  await admin.post('/api/users/levels', { name: 'told', priority: 41, permissions: ['job.view.own'] });
  await admin.put('/api/users/levels/told/permissions', { permission_names: ['config.view'] });
  await admin.delete('/api/users/levels/told');
  await house.anonymous.post('/api/auth/password-reset', { username });
  const told =
    'org.created org.changed team.created team.changed quota.set quota.set org.member_added team.member_added ' +
    'team.role_changed team.member_removed org.member_removed quota.removed team.removed quota.removed org.removed ' +
    'level.created level.changed level.removed auth.password_reset_requested';
  const expected = told.split(' ').sort();
  await vi.waitFor(async () => {
    const newest = await house.entries(`limit=${expected.length}`);
    // What one change tells of several things comes in any order.
    expect(newest.map(({ action }) => action as string).sort()).toEqual(expected);
  });
  expect((await house.anonymous.get('/metrics')).body).not.toMatch(/^lineclear_audit_missing_total\{/m);
});
