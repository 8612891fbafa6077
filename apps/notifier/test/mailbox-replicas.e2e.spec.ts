import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { ResolveRecords } from '../src/mailbox/dmarc.js';
import { newReplyAddress, write } from './mail-server.js';
import { isBeingRead, openMailboxHouse, PATIENT, type MailboxHouse } from './mailbox-house.js';

let at: MailboxHouse;

beforeAll(async () => {
  at = await openMailboxHouse();
});
afterAll(() => at?.stop());

let mails = 0;
async function send(): Promise<{ id: string; token: string; raw: Buffer }> {
  const { address, token } = newReplyAddress();
  const id = `<replica-${(mails += 1)}@team.test>`;
  const raw = await write({ to: address, messageId: id });
  await at.server.deliver(raw, address);
  return { id, token, raw };
}
const openMailboxes = async (url: string): Promise<string | undefined> =>
  /^lineclear_mailboxes_open\S* (\d+)$/mu.exec(await (await fetch(`${url}/metrics`)).text())?.[1];

it('reads what came while nobody read', async () => {
  await at.house.service.close();
  const sent = [await send(), await send()];
  await at.house.boot();
  for (const { id, token } of sent) {
    expect(await at.handled(id)).toMatchObject({ kind: 'reply', sender: 'dmarc' });
    await vi.waitFor(() => expect(at.events(token)).toHaveLength(1), PATIENT);
  }
});

it('handles each mail once when two replicas read, and goes on when the mail server was away', async () => {
  const other = await at.house.another();
  try {
    await vi.waitFor(async () => expect(await openMailboxes(other.url)).toBe('1'), PATIENT);
    const sent = await Promise.all(Array.from({ length: 6 }, send));
    for (const { id } of sent) await at.handled(id);
    await at.server.dovecot.kill();
    await at.server.dovecot.start();
    const later = await send();
    await at.handled(later.id);
    await vi.waitFor(async () => {
      for (const { token } of [...sent, later]) expect(at.events(token)).toHaveLength(1);
      expect((await at.server.counts())['INBOX']).toBe(0);
    }, PATIENT);
    const { body } = await at.house.admin.get('/api/cloud/notifications/replies?limit=500');
    expect(body.replies.filter(({ kind }: { kind: string }) => kind === 'duplicate')).toEqual([]);
  } finally {
    await other.close();
  }
});

it('leaves to the other what a replica was at when it stopped', async () => {
  let reached = (): void => undefined;
  const hasBegun = new Promise<void>((resolve) => (reached = resolve));
  const stuck: ResolveRecords = () => {
    reached();
    return new Promise(() => undefined);
  };
  await at.house.service.close();
  const dying = await at.house.another({ resolveRecords: stuck });
  const { id, token } = await send();
  await hasBegun;
  const rows = await dying.database.query('select * from received_mail where message_id = $1', [id]);
  expect(rows).toEqual([]);
  await Promise.all([dying.close(), at.house.boot()]);
  expect(await at.handled(id)).toMatchObject({ sender: 'dmarc' });
  await vi.waitFor(() => expect(at.events(token)).toHaveLength(1), PATIENT);
});

it('reads a folder anew whose UIDs mean other mails, and handles none of them again', async () => {
  const folder = 'Answers';
  await at.server.as((client) => client.mailboxCreate(folder));
  const channelId = await at.addChannel({ imap_folder: folder });
  const append = (raw: Buffer) => at.server.as((client) => client.append(folder, raw));
  const { address, token } = newReplyAddress();
  const old = await write({ to: address, messageId: '<old@team.test>' });
  await append(old);
  expect(await at.handled('<old@team.test>')).toMatchObject({ channel_id: channelId, kind: 'reply' });
  const validity = async (): Promise<number> => {
    const rows = await at.house.service.database.query<{ uidvalidity: number }>(
      'select uidvalidity from mailbox_cursor where channel_id = $1',
      [channelId],
    );
    return rows[0]!.uidvalidity;
  };
  const before = await validity();
  // Nobody reads while the folder is another: then all of it came before it is read first under its new UIDVALIDITY.
  await at.house.service.close();
  const next = newReplyAddress();
  await at.server.as(async (client) => {
    await client.mailboxDelete(folder);
    await client.mailboxCreate(folder);
    await client.append(folder, old);
    await client.append(folder, await write({ to: next.address, messageId: '<new@team.test>' }));
  });
  await at.house.boot();
  await isBeingRead(at.house, channelId);
  expect(await at.handled('<new@team.test>')).toMatchObject({ channel_id: channelId, kind: 'reply' });
  expect(await validity()).not.toBe(before);
  await vi.waitFor(() => expect(at.events(next.token)).toHaveLength(1), PATIENT);
  expect(at.events(token)).toHaveLength(1);
  // The two are handled at once, in no order.
  await vi.waitFor(async () => {
    const { body } = await at.house.admin.get('/api/cloud/notifications/replies');
    const copies = body.replies.filter((one: { channel_id: number }) => one.channel_id === channelId);
    expect(copies.map(({ kind }: { kind: string }) => kind).sort()).toEqual(['duplicate', 'reply', 'reply']);
  }, PATIENT);
  expect(at.events(token)).toHaveLength(1);
});
