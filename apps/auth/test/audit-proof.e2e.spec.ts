import { readFile, rm, writeFile } from 'node:fs/promises';
import { startService } from '@lineclear/kit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { define } from '../src/app.module.js';
import { ExpireEntries } from '../src/audit/expire-entries.js';
import { ExportHeads } from '../src/audit/export-heads.js';
import { openAuditHouse, said, type AuditHouse } from './audit-house.js';

const DAY_MS = 86_400_000;

let house: AuditHouse;

beforeAll(async () => {
  house = await openAuditHouse();
  await house.say(...Array.from({ length: 40 }, (_, n) => said('test.entry', { details: { n } })));
}, 60_000);
afterAll(() => house?.close());

describe('who changes the tables', () => {
  beforeEach(async () => {
    await house.settled();
    await house.query('drop table if exists kept_log, kept_head, kept_anchor');
    await house.query('create table kept_log as table audit_log');
    await house.query('create table kept_head as table audit_head');
    await house.query('create table kept_anchor as table audit_anchor');
    return async () => {
      await house.settled();
      for (const name of ['log', 'head', 'anchor']) {
        await house.query(`delete from audit_${name}`);
        await house.query(`insert into audit_${name} select * from kept_${name}`);
      }
      await rm(house.headsFile, { force: true });
      expect(await house.verify()).toMatchObject({ valid: true });
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
    await house.query(tampering);
    const { valid, broken } = await house.verify();
    expect(valid).toBe(false);
    expect(broken).toContainEqual({ seq: seq ?? expect.any(Number), what: expect.stringContaining(what) });
  });

  it('is seen where two rows changed places', async () => {
    await house.query('update audit_log set seq = -1 where seq = 8');
    await house.query('update audit_log set seq = 8 where seq = 9');
    await house.query('update audit_log set seq = 9 where seq = -1');
    const { broken } = await house.verify();
    expect(broken.map(({ seq }: { seq: number }) => seq)).toEqual(expect.arrayContaining([8, 9]));
  });

  it('is seen in the part that is looked at, and only there', async () => {
    await house.query(`update audit_log set username = 'nobody' where seq = 9`);
    expect(await house.verify('?from=1&to=8')).toEqual({
      valid: true,
      checked: 8,
      first_seq: 1,
      last_seq: 8,
      broken: [],
    });
    expect(await house.verify('?from=10')).toMatchObject({ valid: true, first_seq: 10 });
    expect((await house.verify('?from=5&to=15')).broken).toEqual([
      { seq: 9, what: 'is not as it was written' },
    ]);
    expect(await house.verify('?from=9000')).toMatchObject({
      valid: true,
      checked: 0,
      first_seq: null,
      last_seq: null,
    });
  });

  it('is seen when they cut off the tail, by the head', async () => {
    await house.query('delete from audit_log where seq > 20');
    expect((await house.verify()).broken[0]).toMatchObject({
      seq: 21,
      what: expect.stringContaining('is missing'),
    });
  });

  it('is seen when they cut off the tail with a head of before, by any head that was kept', async () => {
    const { body: early } = await house.admin.get('/api/audit/head');
    await house.query('drop table if exists early_head');
    await house.query('create table early_head as table audit_head');
    await house.say(said('test.to_be_cut'));
    const { body: late } = await house.admin.get('/api/audit/head');
    await house.service.app.get(ExportHeads).tell();
    expect(late.seq).toBe(early.seq + 1);
    await house.query('delete from audit_log where seq > $1', [early.seq]);
    await house.query('delete from audit_head');
    await house.query('insert into audit_head select * from early_head');

    const kept = `?head_seq=${late.seq}&head_mac=${late.mac}`;
    expect((await house.verify(kept)).broken).toContainEqual({ seq: late.seq, what: 'is missing' });
    expect((await house.verify()).broken).toEqual([{ seq: late.seq, what: 'is missing' }]);
    // Something else in its place does not make it good.
    await house.say(said('test.in_its_place'));
    expect((await house.verify(kept)).broken).toContainEqual({
      seq: late.seq,
      what: 'is not the entry that a kept head names',
    });
    await rm(house.headsFile);
    expect(await house.verify()).toMatchObject({ valid: true });
    expect((await house.verify(`${kept}&from=2&to=3`)).valid).toBe(false);
  });

  it('stays in the log, when they put a head there that was not signed here', async () => {
    const [last] = (await house.seqs()).slice(-1);
    await house.query('delete from audit_log where seq > $1', [last! - 3]);
    await house.query(
      'update audit_head set (seq, mac) = (select seq, mac from audit_log order by seq desc limit 1)',
    );
    await house.say(said('test.after'));
    expect((await house.entries('limit=2')).map(({ action, details }) => ({ action, details }))).toEqual([
      { action: 'test.after', details: {} },
      { action: 'audit.head_forged', details: { head_seq: last! - 3, last_seq: last! - 3 } },
    ]);
  });

  it('is seen in the file of heads', async () => {
    await house.service.app.get(ExportHeads).tell();
    await house.say(said('test.head'));
    await house.service.app.get(ExportHeads).tell();
    await house.service.app.get(ExportHeads).tell();
    const lines = (await readFile(house.headsFile, 'utf8')).trimEnd().split('\n');
    const head = JSON.parse(lines.at(-1)!);
    expect(head).toEqual((await house.admin.get('/api/audit/head')).body);
    expect(lines.filter((line) => line === lines.at(-1))).toHaveLength(1);
    await writeFile(house.headsFile, `${JSON.stringify({ ...head, seq: head.seq - 1 })}\nnonsense\n`);
    expect((await house.verify()).broken).toEqual([
      { seq: 0, what: 'line 2 of the file of heads was not signed here' },
      { seq: head.seq - 1, what: 'line 1 of the file of heads was not signed here' },
    ]);
  });
});

describe('what is too old', () => {
  const expire = () => house.service.app.get(ExpireEntries).expire();

  it('goes once a day from the beginning, and leaves a log that can be proved', async () => {
    await house.settled();
    const before = await house.seqs();
    const { body: kept } = await house.admin.get('/api/audit/head');
    await expire();
    expect(await house.seqs()).toEqual(before);
    house.clock.laterMs = 91 * DAY_MS;
    await expire();
    await house.settled();
    const [entry, ...others] = await house.entries('');
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      seq: before.length + 1,
      action: 'audit.expired',
      by: 'system',
      details: { removed: before.length, from_seq: 1, to_seq: before.length },
    });
    expect(await house.verify()).toEqual({
      valid: true,
      checked: 1,
      first_seq: entry.seq,
      last_seq: entry.seq,
      broken: [],
    });
    expect(await house.verify(`?head_seq=${kept.seq}&head_mac=${kept.mac}`)).toMatchObject({ valid: true });
    expect(await house.verify(`?head_seq=${kept.seq}&head_mac=${'0'.repeat(64)}`)).toMatchObject({
      valid: false,
    });
    // Not again before a day is over.
    await expire();
    await house.settled();
    expect(await house.seqs()).toEqual([entry.seq]);
  });

  it('shows when somebody says that the log began later, or brings back what is gone', async () => {
    await house.query('update audit_anchor set seq = seq - 1');
    expect((await house.verify()).valid).toBe(false);
    await house.query('update audit_anchor set seq = seq + 1');
    await house.query(`insert into audit_log select * from kept_log where seq = 3`);
    expect((await house.verify()).broken).toEqual([{ seq: 3, what: 'is there, but the log begins later' }]);
    await house.query('delete from audit_log where seq = 3');
    expect(await house.verify()).toMatchObject({ valid: true });
  });

  it('stays when it is not as it was written: nobody has it removed by dating it back', async () => {
    await house.say(said('test.evidence'));
    house.clock.laterMs = 93 * DAY_MS;
    await house.query(`update audit_log set at = '2001-01-01T00:00:00Z'`);
    const before = await house.seqs();
    await expire();
    expect(await house.seqs()).toEqual(before);
    expect((await house.verify()).valid).toBe(false);
  });

  it('stays where all is to be kept', async () => {
    const keeper = await startService(
      define({ ...house.env, LINECLEAR_AUDIT_RETENTION_DAYS: '0' }, { clock: house.clock }),
    );
    const before = await house.seqs();
    house.clock.laterMs = 10_000 * DAY_MS;
    await keeper.app.get(ExpireEntries).expire();
    expect(await house.seqs()).toEqual(before);
    await keeper.close();
  });
});
