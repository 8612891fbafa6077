import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { ResolveRecords } from '../src/mailbox/dmarc.js';
import { newReplyAddress, resolveRecords, write, type AMail } from './mail-server.js';
import { openMailboxHouse, PATIENT, type MailboxHouse } from './mailbox-house.js';

/** More than are handled at once. */
const MANY = 12;
const AT_ONCE = 8;
let at: MailboxHouse;
/** What waits for DNS, until it answers. */
const waiting: (() => void)[] = [];
let isHeld: (name: string) => boolean = () => false;
let most = 0;

const slowly: ResolveRecords = async (name, type) => {
  if (isHeld(name)) {
    await new Promise<void>((answered) => {
      waiting.push(answered);
      most = Math.max(most, waiting.length);
    });
  }
  return resolveRecords(name, type);
};
const answer = (): void => {
  for (const go of waiting.splice(0)) go();
};

beforeAll(async () => {
  at = await openMailboxHouse({}, slowly);
});
afterAll(() => at?.stop());

async function send(mail: Partial<AMail> = {}): Promise<{ id: string; token: string }> {
  const { address, token } = newReplyAddress();
  const id = `<${token}@team.test>`;
  await at.server.deliver(await write({ to: address, messageId: id, ...mail }), address);
  return { id, token };
}
const sendMany = async (): Promise<{ id: string; token: string }[]> => {
  const sent = [];
  for (let n = 0; n < MANY; n += 1) sent.push(await send());
  return sent;
};
/** How far the mailbox was read, and which mails were handled. */
const read = async (): Promise<{ lastUid: number; uids: number[] }> => {
  const database = at.house.service.database;
  const [cursor] = await database.query<{ last_uid: number }>('select last_uid from mailbox_cursor');
  const rows = await database.query<{ uid: number }>('select uid from received_mail order by uid');
  return { lastUid: cursor!.last_uid, uids: rows.map(({ uid }) => uid) };
};

it('holds up none for a slow one, before which the cursor waits', async () => {
  isHeld = (name) => name.endsWith('evil.test');
  const slow = await send({ from: 'lead@evil.test', signedBy: 'evil.test' });
  await vi.waitFor(() => expect(waiting).toHaveLength(1), PATIENT);
  for (const { id } of await sendMany()) expect(await at.handled(id)).toMatchObject({ sender: 'dmarc' });
  const { lastUid, uids } = await read();
  expect(uids).toHaveLength(MANY);
  expect(lastUid).toBeLessThan(uids[0]! - 1);
  isHeld = () => false;
  answer();
  expect(await at.handled(slow.id)).toMatchObject({ sender: 'dmarc', from: 'lead@evil.test' });
  await vi.waitFor(async () => expect((await read()).lastUid).toBe(uids.at(-1)), PATIENT);
  await vi.waitFor(async () => expect((await at.server.counts())['INBOX']).toBe(0), PATIENT);
});

it('handles a few at once and no more', async () => {
  most = 0;
  isHeld = () => true;
  const sent = await sendMany();
  await vi.waitFor(() => expect(waiting).toHaveLength(AT_ONCE), PATIENT);
  isHeld = () => false;
  answer();
  for (const { id, token } of sent) {
    expect(await at.handled(id)).toMatchObject({ sender: 'dmarc' });
    await vi.waitFor(() => expect(at.events(token)).toHaveLength(1), PATIENT);
  }
  expect(most).toBe(AT_ONCE);
});

it('has put away all that it handled when it ends reading, and leaves the rest for later', async () => {
  isHeld = () => true;
  const before = (await read()).uids.length;
  const sent = await sendMany();
  await vi.waitFor(() => expect(waiting).toHaveLength(AT_ONCE), PATIENT);
  const channel = `/api/cloud/notifications/channels/${at.channelId}`;
  expect((await at.house.admin.patch(channel, { is_enabled: false })).status).toBe(200);
  isHeld = () => false;
  answer();
  await vi.waitFor(async () => {
    const metrics = await (await fetch(`${at.house.service.url}/metrics`)).text();
    expect(metrics).toMatch(/^lineclear_mailboxes_open\S* 0$/mu);
  }, PATIENT);
  const handled = (await read()).uids.length - before;
  expect(handled).toBeGreaterThanOrEqual(AT_ONCE);
  expect((await at.server.counts())['INBOX']).toBe(MANY - handled);
  await at.house.admin.patch(channel, { is_enabled: true });
  for (const { id, token } of sent) {
    expect(await at.handled(id)).toMatchObject({ sender: 'dmarc' });
    await vi.waitFor(() => expect(at.events(token)).toHaveLength(1), PATIENT);
  }
  expect((await read()).uids).toHaveLength(before + MANY);
});
