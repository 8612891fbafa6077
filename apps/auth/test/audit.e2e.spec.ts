import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { auditRecorded, type EventData } from '@lineclear/contracts';
import { startService, type RunningService } from '@lineclear/kit';
import { client, expectProblem, pendingEvents, type Answer } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { define } from '../src/app.module.js';
import { ExpireEntries } from '../src/audit/expire-entries.js';
import { ExportHeads } from '../src/audit/export-heads.js';
import { openAuthHouse, type AuthHouse } from './auth-house.js';

const DAY_MS = 86_400_000;

let house: AuthHouse;
let headsFile: string;
let replica: RunningService;

beforeAll(async () => {
  house = await openAuthHouse({
    envOf: (dir) => ({ LINECLEAR_AUDIT_HEADS_FILE: join(dir, 'heads.jsonl') }),
  });
  headsFile = join(house.backends.dir, 'heads.jsonl');
  replica = await startService(define(house.env, { clock: house.clock }));
}, 60_000);
afterAll(async () => {
  await replica?.close();
  await house?.close();
});

const query = <T>(sql: string, values: unknown[] = []): Promise<T[]> =>
  house.service.database.query<T>(sql, values);
const verify = async (range = ''): Promise<Answer['body']> =>
  (await house.admin.get(`/api/audit/verify${range}`)).body;
const entries = async (filter: string): Promise<Answer['body'][]> =>
  (await house.admin.get(`/api/audit?${filter}`)).body.entries;

/** Something of another service. */
const said = (action: string, more: Partial<EventData<typeof auditRecorded>> = {}) => ({
  action,
  outcome: 'done' as const,
  by: 'system' as const,
  ...more,
});
/** Waits until everything that was said is in the log; the outbox of auth's own entries too. */
const settled = (): Promise<void> =>
  vi.waitFor(async () => {
    expect(await query('select from outbox')).toEqual([]);
    expect(await pendingEvents(house.backends.nats.url, 'auth')).toBe(0);
  });
const say = async (...data: EventData<typeof auditRecorded>[]): Promise<void> => {
  await house.peer.publishTogether(auditRecorded, data);
  await settled();
};
const seqs = async (): Promise<number[]> =>
  (await query<{ seq: number }>('select seq from audit_log order by seq')).map(({ seq }) => seq);

describe('what two replicas append', () => {
  it('has neither gaps nor forks', async () => {
    const before = (await seqs()).length;
    const sent = Array.from({ length: 120 }, (_, n) => said('test.concurrent', { details: { n } }));
    await Promise.all(sent.map((one) => house.peer.publish(auditRecorded, one)));
    const person = await house.person('viewer');
    await Promise.all([
      ...sent.map((one) => house.peer.publish(auditRecorded, one)),
      ...Array.from({ length: 5 }, () => person.http.post('/api/auth/api-keys', { name: 'more' })),
    ]);
    await vi.waitFor(async () =>
      expect((await entries('action=test.concurrent&limit=500')).length).toBe(240),
    );
    await settled();
    const found = await seqs();
    expect(found.length).toBeGreaterThan(before + 240);
    expect(found).toEqual(found.map((_, index) => index + 1));
    expect(await verify()).toEqual({
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
    await vi.waitFor(async () => expect(await entries('action=test.twice')).toHaveLength(2));
    await settled();
    expect(await entries('action=test.once')).toHaveLength(1);
  });
});

describe('what people do', () => {
  it('is there with who did it, from where, by what, and what became of it', async () => {
    const person = await house.person('researcher');
    const change = { level: 'lead' };
    await house.admin.patch(`/api/users/${person.id}`, change, { 'x-request-id': 'req-of-the-change' });
    await settled();
    const [entry] = await entries(`target=user/${person.id}&action=user.changed`);
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
    await settled();
    const failed = await entries('action=auth.login_failed');
    expect(failed.map(({ details, by, outcome }) => ({ details, by, outcome }))).toEqual([
      {
        details: { username: '(unknown)', failures: expect.any(Number) },
        by: 'anonymous',
        outcome: 'refused',
      },
      { details: { username: person.username, failures: 1 }, by: 'anonymous', outcome: 'refused' },
    ]);
    const [login] = await entries(`action=auth.logged_in&actor_id=${person.id}`);
    expect(login).toMatchObject({
      by: 'person',
      actor_username: person.username,
      target: `user/${person.id}`,
    });
    expect(JSON.stringify(await query('select * from audit_log'))).not.toContain('hunter2');
    // They were told of as what they are: not once more as a refusal.
    expect(await entries('action=access.refused')).toEqual([]);
  });

  it('is there as refused with the route, and never with the address as it was sent', async () => {
    const viewer = await house.person('viewer');
    await viewer.http.get('/api/users/7?token=lc_secret');
    await house.anonymous.delete('/api/users/7?token=lc_secret');
    await settled();
    const refused = await entries('action=access.refused&outcome=refused');
    expect(refused.map(({ by, actor_id, details }) => ({ by, actor_id, details }))).toEqual([
      {
        by: 'anonymous',
        actor_id: null,
        details: { method: 'DELETE', route: '/api/users/:id', reason: expect.stringContaining('needed') },
      },
      {
        by: 'person',
        actor_id: viewer.id,
        details: { method: 'GET', route: '/api/users/:id', reason: 'this needs the permission admin.users' },
      },
    ]);
    expect(JSON.stringify(await query('select * from audit_log'))).not.toContain('lc_secret');
  });
});

describe('the list', () => {
  beforeAll(() =>
    say(
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
    const all = await seqs();
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
    const known = await query<{ action: string }>('select distinct action from audit_log');
    expect(body.actions.toSorted()).toEqual(known.map(({ action }) => action).toSorted());
    expect(body.total).toBe(known.length);
  });

  it('is written out as JSON and as CSV, by the same filters', async () => {
    const json = await house.admin.get('/api/audit/export?action=listed.*');
    expect(json.headers.get('content-type')).toContain('application/json');
    expect(json.body).toEqual(await entries('action=listed.*'));
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
    expect(body.map(({ seq }: { seq: number }) => seq)).toEqual((await seqs()).toReversed());
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

describe('who changes the tables', () => {
  beforeEach(async () => {
    await settled();
    await query('drop table if exists kept_log, kept_head, kept_anchor');
    await query('create table kept_log as table audit_log');
    await query('create table kept_head as table audit_head');
    await query('create table kept_anchor as table audit_anchor');
    return async () => {
      await settled();
      for (const name of ['log', 'head', 'anchor']) {
        await query(`delete from audit_${name}`);
        await query(`insert into audit_${name} select * from kept_${name}`);
      }
      await rm(headsFile, { force: true });
      expect(await verify()).toMatchObject({ valid: true });
    };
  });

  it.each([
    [
      'what was done',
      `update audit_log set action = 'user.created' where seq = 9`,
      9,
      'is not as it was written',
    ],
    ['who did it', `update audit_log set user_id = 99 where seq = 9`, 9, 'is not as it was written'],
    [
      'a microsecond',
      `update audit_log set at = at + interval '1 microsecond' where seq = 9`,
      9,
      'is not as it was written',
    ],
    ['when, to never', `update audit_log set at = 'infinity' where seq = 9`, 9, 'is not as it was written'],
    [
      'a space in the details',
      `update audit_log set details = details || ' ' where seq = 9`,
      9,
      'is not as it was written',
    ],
    ['a proof', `update audit_log set mac = repeat('0', 64) where seq = 9`, 9, 'is not as it was written'],
    ['by a row less', `delete from audit_log where seq = 9`, 9, 'is missing'],
    [
      'by several rows less',
      `delete from audit_log where seq between 9 and 12`,
      9,
      'is missing, and all up to 12',
    ],
    ['by the first rows less', `delete from audit_log where seq < 5`, 1, 'is missing, and all up to 4'],
    [
      'by where it begins',
      `insert into audit_anchor values (1, 4, repeat('0', 64), 'now', 'x')`,
      4,
      'not signed here',
    ],
    ['by where it ends', `update audit_head set mac = repeat('0', 64)`, undefined, 'not signed here'],
    ['by no end', `delete from audit_head`, undefined, 'no head'],
  ] as const)('is seen: %s', async (_, tampering, seq, what) => {
    await query(tampering);
    const { valid, broken } = await verify();
    expect(valid).toBe(false);
    expect(broken).toContainEqual({ seq: seq ?? expect.any(Number), what: expect.stringContaining(what) });
  });

  it('is seen where two rows changed places', async () => {
    await query('update audit_log set seq = -1 where seq = 8');
    await query('update audit_log set seq = 8 where seq = 9');
    await query('update audit_log set seq = 9 where seq = -1');
    const { broken } = await verify();
    expect(broken.map(({ seq }: { seq: number }) => seq)).toEqual(expect.arrayContaining([8, 9]));
  });

  it('is seen in the part that is looked at, and only there', async () => {
    await query(`update audit_log set username = 'nobody' where seq = 9`);
    expect(await verify('?from=1&to=8')).toEqual({
      valid: true,
      checked: 8,
      first_seq: 1,
      last_seq: 8,
      broken: [],
    });
    expect(await verify('?from=10')).toMatchObject({ valid: true, first_seq: 10 });
    expect((await verify('?from=5&to=15')).broken).toEqual([{ seq: 9, what: 'is not as it was written' }]);
    expect(await verify('?from=9000')).toMatchObject({
      valid: true,
      checked: 0,
      first_seq: null,
      last_seq: null,
    });
  });

  it('is seen when they cut off the tail, by the head', async () => {
    await query('delete from audit_log where seq > 20');
    expect((await verify()).broken[0]).toMatchObject({
      seq: 21,
      what: expect.stringContaining('is missing'),
    });
  });

  it('is seen when they cut off the tail with a head of before, by any head that was kept', async () => {
    const { body: early } = await house.admin.get('/api/audit/head');
    await query('drop table if exists early_head');
    await query('create table early_head as table audit_head');
    await say(said('test.to_be_cut'));
    const { body: late } = await house.admin.get('/api/audit/head');
    await house.service.app.get(ExportHeads).tell();
    expect(late.seq).toBe(early.seq + 1);
    await query('delete from audit_log where seq > $1', [early.seq]);
    await query('delete from audit_head');
    await query('insert into audit_head select * from early_head');

    const kept = `?head_seq=${late.seq}&head_mac=${late.mac}`;
    expect((await verify(kept)).broken).toContainEqual({ seq: late.seq, what: 'is missing' });
    expect((await verify()).broken).toEqual([{ seq: late.seq, what: 'is missing' }]);
    // Something else in its place does not make it good.
    await say(said('test.in_its_place'));
    expect((await verify(kept)).broken).toContainEqual({
      seq: late.seq,
      what: 'is not the entry that a kept head names',
    });
    await rm(headsFile);
    expect(await verify()).toMatchObject({ valid: true });
    expect((await verify(`${kept}&from=2&to=3`)).valid).toBe(false);
  });

  it('stays in the log, when they put a head there that was not signed here', async () => {
    const [last] = (await seqs()).slice(-1);
    await query('delete from audit_log where seq > $1', [last! - 3]);
    await query(
      'update audit_head set (seq, mac) = (select seq, mac from audit_log order by seq desc limit 1)',
    );
    await say(said('test.after'));
    expect((await entries('limit=2')).map(({ action, details }) => ({ action, details }))).toEqual([
      { action: 'test.after', details: {} },
      { action: 'audit.head_forged', details: { head_seq: last! - 3, last_seq: last! - 3 } },
    ]);
  });

  it('is seen in the file of heads', async () => {
    await house.service.app.get(ExportHeads).tell();
    await say(said('test.head'));
    await house.service.app.get(ExportHeads).tell();
    await house.service.app.get(ExportHeads).tell();
    const lines = (await readFile(headsFile, 'utf8')).trimEnd().split('\n');
    const head = JSON.parse(lines.at(-1)!);
    expect(head).toEqual((await house.admin.get('/api/audit/head')).body);
    expect(lines.filter((line) => line === lines.at(-1))).toHaveLength(1);
    await writeFile(headsFile, `${JSON.stringify({ ...head, seq: head.seq - 1 })}\nnonsense\n`);
    expect((await verify()).broken).toEqual([
      { seq: 0, what: 'line 2 of the file of heads was not signed here' },
      { seq: head.seq - 1, what: 'line 1 of the file of heads was not signed here' },
    ]);
  });
});

describe('what is too old', () => {
  const expire = () => house.service.app.get(ExpireEntries).expire();

  it('goes once a day from the beginning, and leaves a log that can be proved', async () => {
    await settled();
    const before = await seqs();
    const { body: kept } = await house.admin.get('/api/audit/head');
    await expire();
    expect(await seqs()).toEqual(before);
    house.clock.laterMs = 91 * DAY_MS;
    await expire();
    await settled();
    const [entry, ...others] = await entries('');
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      seq: before.length + 1,
      action: 'audit.expired',
      by: 'system',
      details: { removed: before.length, from_seq: 1, to_seq: before.length },
    });
    expect(await verify()).toEqual({
      valid: true,
      checked: 1,
      first_seq: entry.seq,
      last_seq: entry.seq,
      broken: [],
    });
    expect(await verify(`?head_seq=${kept.seq}&head_mac=${kept.mac}`)).toMatchObject({ valid: true });
    expect(await verify(`?head_seq=${kept.seq}&head_mac=${'0'.repeat(64)}`)).toMatchObject({ valid: false });
    // Not again before a day is over.
    await expire();
    await settled();
    expect(await seqs()).toEqual([entry.seq]);
  });

  it('shows when somebody says that the log began later, or brings back what is gone', async () => {
    await query('update audit_anchor set seq = seq - 1');
    expect((await verify()).valid).toBe(false);
    await query('update audit_anchor set seq = seq + 1');
    await query(`insert into audit_log select * from kept_log where seq = 3`);
    expect((await verify()).broken).toEqual([{ seq: 3, what: 'is there, but the log begins later' }]);
    await query('delete from audit_log where seq = 3');
    expect(await verify()).toMatchObject({ valid: true });
  });

  it('stays when it is not as it was written: nobody has it removed by dating it back', async () => {
    await say(said('test.evidence'));
    house.clock.laterMs = 93 * DAY_MS;
    await query(`update audit_log set at = '2001-01-01T00:00:00Z'`);
    const before = await seqs();
    await expire();
    expect(await seqs()).toEqual(before);
    expect((await verify()).valid).toBe(false);
  });

  it('stays where all is to be kept', async () => {
    const keeper = await startService(
      define({ ...house.env, LINECLEAR_AUDIT_RETENTION_DAYS: '0' }, { clock: house.clock }),
    );
    const before = await seqs();
    house.clock.laterMs = 10_000 * DAY_MS;
    await keeper.app.get(ExpireEntries).expire();
    expect(await seqs()).toEqual(before);
    expect((await client(keeper.url).get('/api/audit')).status).toBe(401);
    await keeper.close();
  });
});
