import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { HOUSE, INBOUND, LOGIN, newReplyAddress, write, type AMail } from './mail-server.js';
import { openMailboxHouse, PATIENT, sha256, type MailboxHouse } from './mailbox-house.js';

let at: MailboxHouse;

beforeAll(async () => {
  at = await openMailboxHouse();
});
afterAll(() => at?.stop());

let mails = 0;
/** Delivers a mail with an id of its own. */
async function send(mail: AMail): Promise<string> {
  const messageId = `<${(mails += 1)}@team.test>`;
  await at.server.deliver(await write({ messageId, ...mail }), mail.cc ?? mail.to);
  return messageId;
}

it('makes of an answer an event, and keeps neither its token nor its words', async () => {
  const { address, token } = newReplyAddress();
  const before = await at.server.counts();
  const id = await send({ to: address, text: 'Approve, canary of the words\n\n> Reject' });
  const row = await at.handled(id);
  expect(row).toMatchObject({
    channel_id: at.channelId,
    kind: 'reply',
    from: 'lead@team.test',
    sender: 'dmarc',
    verdict: 'approve',
  });
  await vi.waitFor(() => expect(at.events(token)).toHaveLength(1), PATIENT);
  expect(at.events(token)).toEqual([
    {
      mail_id: row['id'],
      token_sha256: sha256(token),
      from: 'lead@team.test',
      sender: 'dmarc',
      verdict: 'approve',
      comment: 'canary of the words',
    },
  ]);
  await vi.waitFor(
    async () => expect((await at.server.counts())['Processed']).toBe((before['Processed'] ?? 0) + 1),
    PATIENT,
  );
  for (const table of ['received_mail', 'mailbox_cursor', 'channel']) {
    const rows = JSON.stringify(await at.house.service.database.query(`select t::text from ${table} t`));
    for (const secret of [token, 'canary of the words', LOGIN.pass]) expect(rows).not.toContain(secret);
  }
});

it.each<[string, Partial<AMail>, object]>([
  ['a rejection with its reason', { text: 'Reject: too dear' }, { verdict: 'reject', comment: 'too dear' }],
  ['words that are unclear', { text: 'Why so many GPUs?' }, { verdict: 'unclear', why: expect.any(String) }],
  [
    'HTML alone',
    { text: '', html: '<p>Abgelehnt</p><blockquote>Approve</blockquote>' },
    { verdict: 'reject' },
  ],
  [
    'above what is quoted, whichever of our addresses the mail program names',
    { text: `Approve\n\nOn Mon, 23 Nov 2026 at 10:12, <${HOUSE}> wrote:\nReject it or wait` },
    { verdict: 'approve' },
  ],
  ['a sender below the domain that signs', { from: 'lead@eu.team.test' }, { from: 'lead@eu.team.test' }],
])('reads %s', async (_what, mail, said) => {
  const { address, token } = newReplyAddress();
  await send({ to: address, ...mail });
  await vi.waitFor(() => expect(at.events(token)).toHaveLength(1), PATIENT);
  expect(at.events(token)).toMatchObject([{ sender: 'dmarc', ...said }]);
});

it('finds the token in Cc, and whatever became of its case on the way', async () => {
  const { address, token } = newReplyAddress();
  await send({ to: 'team@team.test', cc: address.toUpperCase() });
  await vi.waitFor(() => expect(at.events(token)).toHaveLength(1), PATIENT);
});

it.each<[string, AMail['headers'] | undefined, Partial<AMail>, string]>([
  ['an out-of-office note', { 'Auto-Submitted': 'auto-replied' }, {}, 'auto_reply'],
  ['a list', { 'List-Id': 'team.test' }, {}, 'list'],
  ['a bounce', undefined, { from: 'MAILER-DAEMON@team.test' }, 'bounce'],
  ['ourselves', undefined, { from: HOUSE }, 'own'],
  ['the address that it goes to', undefined, { from: INBOUND }, 'own'],
])('takes no answer from %s', async (_what, headers, mail, kind) => {
  const { address, token } = newReplyAddress();
  const id = await send({ to: address, ...(headers ? { headers } : {}), ...mail });
  expect(await at.handled(id)).toMatchObject({ kind, why: expect.any(String) });
  expect(at.events(token)).toEqual([]);
});

it('handles a mail that comes twice once', async () => {
  const { address, token } = newReplyAddress();
  const raw = await write({ to: address, messageId: '<twice@team.test>' });
  await at.server.deliver(raw, address);
  await at.handled('<twice@team.test>');
  await at.server.deliver(raw, address);
  await vi.waitFor(async () => {
    const { body } = await at.house.admin.get('/api/cloud/notifications/replies');
    expect(body.replies[0]).toMatchObject({ kind: 'duplicate' });
  }, PATIENT);
  await vi.waitFor(async () => expect((await at.server.counts())['INBOX']).toBe(0), PATIENT);
  expect(at.events(token)).toHaveLength(1);
});

it('pages what was received, for those who configure', async () => {
  const list = '/api/cloud/notifications/replies';
  const { body: first } = await at.house.admin.get(`${list}?limit=2`);
  expect(first.replies).toHaveLength(2);
  const { body: second } = await at.house.admin.get(`${list}?limit=2&cursor=${first.next_cursor}`);
  expect(second.replies[0].id < first.replies[1].id).toBe(true);
  expect((await at.house.admin.get(`${list}?limit=0`)).status).toBe(400);
  expect((await at.house.admin.get(`${list}?cursor=1`)).status).toBe(400);
  const { token } = at.house.folk.add('researcher');
  expect((await at.house.as(token).get(list)).status).toBe(403);
});
