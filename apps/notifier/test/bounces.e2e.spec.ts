import { randomUUID } from 'node:crypto';
import {
  approvalRequired,
  approversNow,
  approverUnreached,
  replyToken,
  type EventData,
} from '@lineclear/contracts';
import { sealTo } from '@lineclear/kit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { aboutJob, historyOf, newJobId } from './house.js';
import { HOUSE, newReplyAddress, write } from './mail-server.js';
import { startMailSink, type MailSink } from './mail-sink.js';
import { openMailboxHouse, PATIENT, sha256, type MailboxHouse } from './mailbox-house.js';

const BASE = '/api/cloud/notifications';
const GONE = { user_id: 11, username: 'lea', email: 'gone@team.test' };
let at: MailboxHouse;
let sink: MailSink;
/** Envelope senders, in the order in which they were said; those that the server takes. */
const senders: string[] = [];
let takes: (sender: string) => boolean;

beforeAll(async () => {
  [at, sink] = await Promise.all([
    openMailboxHouse(),
    startMailSink('p', {
      onMailFrom({ address }, _session, done) {
        senders.push(address);
        if (takes(address)) done();
        else done(Object.assign(new Error('not as from there'), { responseCode: 553 }));
      },
    }),
  ]);
  at.house.peer.answer(approversNow, () => ({ people: [GONE] }));
});
afterAll(async () => {
  await at?.stop();
  await sink?.close();
});
beforeEach(() => {
  senders.length = 0;
  takes = () => true;
});

const unreached = (token: string): EventData<typeof approverUnreached>[] =>
  at.house.peer
    .events(approverUnreached)
    .map(({ data }) => data)
    .filter((data) => data.token_sha256 === sha256(token));

/** As Postfix writes it. */
function bounceOf(to: string, returnedId: string, fields: string): Buffer {
  const lines = [
    'Return-Path: <>',
    `Message-ID: <${randomUUID()}@mx.team.test>`,
    'From: MAILER-DAEMON@mx.team.test (Mail Delivery System)',
    `To: ${to}`,
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b/1"',
    '',
    '--b/1',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    "I'm sorry to have to inform you that your message could not be delivered. Approve",
    '',
    '--b/1',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.team.test',
    '',
    `Final-Recipient: rfc822; ${GONE.email}`,
    ...fields.split('\n'),
    '',
    '--b/1',
    'Content-Type: text/rfc822-headers',
    '',
    `From: ${HOUSE}`,
    `Message-ID: ${returnedId}`,
    '',
    '--b/1--',
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}
const FAILED = 'Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user';

/** Sends an approval mail; its token, its address for answers and its Message-ID. */
async function mailed(channel: object = {}) {
  const { address, token } = newReplyAddress();
  at.house.peer.answer(replyToken, async ({ public_key }) => ({
    box: await sealTo(public_key, token),
    link_box: await sealTo(public_key, 'link'),
  }));
  const { id } = (
    await at.house.admin.patch(`${BASE}/channels/${at.channelId}`, { smtp_port: sink.port, ...channel })
  ).body;
  const before = sink.mails.length;
  await at.house.peer.publish(approvalRequired, {
    ...aboutJob(newJobId()),
    approval_id: randomUUID(),
    rule_id: 1,
    rule_name: 'high_cost',
    reason: 'dear',
    required_level: 'lead',
    expires_at: '2026-11-29T12:00:00.000Z',
    hardware: 'gpu',
    estimated_cost_usd: 9,
  });
  const mail = await vi.waitFor(() => {
    expect(sink.mails.length).toBeGreaterThan(before);
    return sink.mails.at(-1)!;
  }, PATIENT);
  return { channelId: id as number, address, token, messageId: mail.messageId! };
}

it('an approval mail that comes back says that its approver was not reached, and that it failed', async () => {
  const { channelId, address, token, messageId } = await mailed();
  // Where the answer would come to the bounce comes to.
  expect(senders.at(-1)).toBe(address);
  await vi.waitFor(
    async () => expect((await historyOf(at.house, channelId))[0]).toMatchObject({ status: 'sent' }),
    PATIENT,
  );
  await at.server.deliver(bounceOf(address, messageId, FAILED), address);
  await vi.waitFor(() => expect(unreached(token)).toHaveLength(1), PATIENT);
  expect(unreached(token)).toMatchObject([{ why: 'bounced', detail: '5.1.1 550 5.1.1 no such user' }]);
  expect((await historyOf(at.house, channelId))[0]).toMatchObject({
    recipient: GONE.email,
    status: 'failed',
    error: 'it came back: 5.1.1 550 5.1.1 no such user',
  });
  expect(at.events(token)).toEqual([]);
});

it.each([
  ['a delay', 'Action: delayed\nStatus: 4.4.1'],
  ['a mail that arrived', 'Action: delivered\nStatus: 2.0.0'],
  ['who knows what', 'Status: 5.1.1'],
])('nobody is unreached by the report of %s', async (_, fields) => {
  const { address, token } = newReplyAddress();
  const raw = bounceOf(address, `<${randomUUID()}@lineclear.test>`, fields);
  await at.server.deliver(raw, address);
  const id = /Message-ID: (<[^>]*mx\.team\.test>)/.exec(raw.toString())![1]!;
  expect(await at.handled(id)).toMatchObject({ kind: 'bounce' });
  expect(unreached(token)).toEqual([]);
});

it('whoever is away is unreached, and a mail that names two of our mails is of none', async () => {
  const { address, token } = newReplyAddress();
  const away = { to: address, headers: { 'Auto-Submitted': 'auto-replied' }, subject: 'Away until Monday' };
  await at.server.deliver(await write({ ...away, text: 'Approve' }), address);
  await vi.waitFor(() => expect(unreached(token)).toHaveLength(1), PATIENT);
  expect(unreached(token)).toMatchObject([{ why: 'away', detail: 'Away until Monday' }]);
  expect(at.events(token)).toEqual([]);

  const other = newReplyAddress();
  const messageId = '<two@team.test>';
  await at.server.deliver(await write({ ...away, messageId, cc: other.address }), address);
  expect(await at.handled(messageId)).toMatchObject({ kind: 'auto_reply' });
  expect([unreached(token), unreached(other.token)].map((all) => all.length)).toEqual([1, 0]);
});

it('goes out as from the house where the server takes it as from nowhere else, or the domains differ', async () => {
  takes = (sender) => sender === HOUSE;
  const refused = await mailed();
  expect(senders).toEqual([refused.address, HOUSE]);
  senders.length = 0;
  takes = () => true;
  await mailed({ smtp_from_address: 'house@other.test' });
  expect(senders).toEqual(['house@other.test']);
});
