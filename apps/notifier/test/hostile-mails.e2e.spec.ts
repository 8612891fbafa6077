import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { dns, newReplyAddress, write, type AMail } from './mail-server.js';
import { openMailboxHouse, PATIENT, type MailboxHouse } from './mailbox-house.js';

let at: MailboxHouse;

beforeAll(async () => {
  at = await openMailboxHouse();
});
afterAll(() => at?.stop());
// Other files share it.
afterEach(() => {
  dns.isAway = false;
});

let mails = 0;
const newId = (): string => `<hostile-${(mails += 1)}@team.test>`;
/** Delivers what is made of a genuine approval; what `change` does to it comes after it was signed. */
async function sendForged(mail: AMail, change: (raw: string) => string = (raw) => raw): Promise<string> {
  const messageId = newId();
  const raw = (await write({ messageId, ...mail })).toString('latin1');
  await at.server.deliver(Buffer.from(change(raw), 'latin1'), mail.to);
  return messageId;
}
const quarantined = async (): Promise<number> => (await at.server.counts())['Quarantine'] ?? 0;

it.each<[string, Partial<AMail>, ((raw: string) => string) | undefined]>([
  ['signed by another domain', { signedBy: 'evil.test' }, undefined],
  ['not signed at all', { signedBy: null }, undefined],
  [
    'with words put in its mouth',
    { text: 'Reject' },
    (raw) => raw.replace('\r\n\r\nReject', '\r\n\r\nApprove'),
  ],
  ['of a domain without DMARC', { from: 'lead@nowhere.test', signedBy: 'nowhere.test' }, undefined],
  ['whose signature leaves To out', { unsignedFields: 'to' }, undefined],
  ['that covers a part of itself', {}, (raw) => raw.replace('DKIM-Signature: ', 'DKIM-Signature: l=7; ')],
])('proves nothing by a mail %s', async (_what, mail, change) => {
  const { address, token } = newReplyAddress();
  const before = await quarantined();
  const id = await sendForged({ to: address, ...mail }, change);
  expect(await at.handled(id)).toMatchObject({ kind: 'reply', sender: 'unproven', why: expect.any(String) });
  await vi.waitFor(() => expect(at.events(token)).toMatchObject([{ sender: 'unproven' }]), PATIENT);
  await vi.waitFor(async () => expect(await quarantined()).toBe(before + 1), PATIENT);
});

it('makes of an answer to one question no answer to another', async () => {
  const [one, other] = [newReplyAddress(), newReplyAddress()];
  const id = await sendForged({ to: one.address }, (raw) => raw.replaceAll(one.token, other.token));
  expect(await at.handled(id)).toMatchObject({ sender: 'unproven' });
  await vi.waitFor(() => expect(at.events(other.token)).toMatchObject([{ sender: 'unproven' }]), PATIENT);
  const raw = await write({ to: 'approvals@lineclear.test', messageId: newId() });
  await at.server.deliver(raw, other.address);
  await vi.waitFor(async () => {
    const { body } = await at.house.admin.get('/api/cloud/notifications/replies');
    expect(body.replies[0]).toMatchObject({ kind: 'refused', why: expect.stringContaining('token') });
  }, PATIENT);
});

it.each<[string, (raw: string) => string, string]>([
  ['two From headers', (raw) => `From: boss@team.test\r\n${raw}`, 'more than one from'],
  [
    'two addresses in its From',
    (raw) => raw.replace(/^From: .*$/mu, 'From: a@team.test, b@team.test'),
    'not one address',
  ],
  [
    'two addresses in its From that nothing parts',
    (raw) => raw.replace(/^From: .*$/mu, 'From: <lead@team.test> <boss@team.test>'),
    'not one address',
  ],
  ['two To headers', (raw) => `To: a@team.test\r\n${raw}`, 'more than one to'],
  ['two kinds of content', (raw) => `Content-Type: text/html\r\n${raw}`, 'more than one content-type'],
  ['no token', (raw) => raw.replace(/^To: .*$/mu, 'To: approvals@lineclear.test'), 'token'],
  [
    'two tokens',
    (raw) => raw.replace(/^To: /mu, `To: ${newReplyAddress().address}, `),
    'more than one token',
  ],
  [
    'more than 1 MiB',
    (raw) => `${raw}\r\n${'x'.repeat(78).concat('\r\n').repeat(14_000)}`,
    'larger than 1 MiB',
  ],
])('refuses a mail with %s', async (_what, change, why) => {
  const { address, token } = newReplyAddress();
  const before = await quarantined();
  const messageId = newId();
  const raw = change((await write({ to: address, messageId })).toString('latin1'));
  await at.server.deliver(Buffer.from(raw, 'latin1'));
  expect(await at.handled(messageId)).toMatchObject({ kind: 'refused', why: expect.stringContaining(why) });
  await vi.waitFor(async () => expect(await quarantined()).toBe(before + 1), PATIENT);
  expect(at.events(token)).toEqual([]);
});

it('waits for DNS, and goes on with other mails meanwhile', async () => {
  const [late, list] = [newReplyAddress(), newReplyAddress()];
  dns.isAway = true;
  const id = await sendForged({ to: late.address });
  const other = await sendForged({ to: list.address, headers: { 'List-Id': 'team.test' } });
  await at.handled(other);
  dns.isAway = false;
  expect(await at.handled(id)).toMatchObject({ kind: 'reply', sender: 'dmarc' });
});
