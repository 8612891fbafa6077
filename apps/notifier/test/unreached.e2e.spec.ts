import { randomUUID } from 'node:crypto';
import {
  approvalRequired,
  approversNow,
  approverUnreached,
  replyToken,
  type EventData,
} from '@lineclear/contracts';
import { sealTo } from '@lineclear/kit';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { aboutJob, historyOf, newJobId } from './house.js';
import { newReplyAddress, write } from './mail-server.js';
import { openMailboxHouse, PATIENT, sha256, type MailboxHouse } from './mailbox-house.js';

const LEA = { user_id: 11, username: 'lea', email: 'Lead@team.test' };
let at: MailboxHouse;
/** The token of the mail that goes out next. */
let next: ReturnType<typeof newReplyAddress>;

beforeAll(async () => {
  at = await openMailboxHouse();
  at.house.peer.answer(approversNow, () => ({ people: [LEA] }));
  at.house.peer.answer(replyToken, async ({ public_key }) => ({
    box: await sealTo(public_key, next.token),
    link_box: await sealTo(public_key, 'link'),
  }));
});
afterAll(() => at?.stop());
beforeEach(() => {
  at.sink.takesSender = () => true;
});

/** Asks Lea by mail; gives where its answers and its bounces go to. */
async function ask(): Promise<{
  address: string;
  token: string;
  status: () => Promise<Record<string, unknown>>;
}> {
  next = newReplyAddress();
  const asked = next;
  const about: EventData<typeof approvalRequired> = {
    ...aboutJob(newJobId()),
    approval_id: randomUUID(),
    rule_id: 1,
    rule_name: 'high_cost',
    reason: 'dear',
    required_level: 'lead',
    expires_at: '2026-11-29T12:00:00.000Z',
    hardware: 'gpu',
    estimated_cost_usd: 9,
  };
  await at.house.peer.publish(approvalRequired, about);
  const status = async () =>
    (await historyOf(at.house, at.channelId)).find(({ job_id }) => job_id === about.job_id)!;
  await vi.waitFor(async () => expect(await status()).toMatchObject({ status: 'sent' }), PATIENT);
  return { ...asked, status };
}

const told = (token: string): EventData<typeof approverUnreached>[] =>
  at.house.peer
    .events(approverUnreached)
    .map(({ data }) => data)
    .filter((data) => data.token_sha256 === sha256(token));

let mails = 0;
/** Delivers it, and gives what it was noted as. */
async function receive(raw: Buffer | string, id: string): Promise<Record<string, unknown>> {
  await at.server.deliver(Buffer.from(raw));
  return at.handled(id);
}
const bounce = (to: string, action: string, status: string): Promise<Record<string, unknown>> => {
  const id = `<bounce-${(mails += 1)}@mx.test>`;
  const lines = [
    'From: MAILER-DAEMON@mx.test (Mail Delivery System)',
    `To: ${to}`,
    'Subject: Undelivered Mail Returned to Sender',
    `Message-ID: ${id}`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'Approve',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.test',
    '',
    'Final-Recipient: rfc822; lead@team.test',
    `Action: ${action}`,
    `Status: ${status}`,
    `Diagnostic-Code: smtp; 550 ${status} no such user, says <${to}>`,
    '--b--',
    '',
  ];
  return receive(lines.join('\r\n'), id);
};
const absence = async (to: string, from = 'Lea <lead@team.test>'): Promise<Record<string, unknown>> => {
  const messageId = `<away-${(mails += 1)}@team.test>`;
  const headers = { 'Auto-Submitted': 'auto-replied' };
  return receive(await write({ from, to, messageId, headers, subject: 'Away until Monday' }), messageId);
};
const counted = async (why: string): Promise<number> => {
  const metrics = await (await fetch(`${at.house.service.url}/metrics`)).text();
  const [, value] =
    new RegExp(`^lineclear_approval_mails_unreached_total\\{[^}]*why="${why}"[^}]*\\} (\\d+)$`, 'mu').exec(
      metrics,
    ) ?? [];
  return Number(value ?? 0);
};

describe('an approval mail', () => {
  it('comes back to its own token, which ends its delivery as bounced, once', async () => {
    const { address, token, status } = await ask();
    expect(at.sink.senders.at(-1)).toBe(address);
    expect(await bounce(address, 'failed', '5.1.1')).toMatchObject({ kind: 'bounce' });
    await vi.waitFor(
      () =>
        expect(told(token)).toMatchObject([
          { why: 'bounced', detail: '5.1.1 550 5.1.1 no such user, says <approvals+…@lineclear.test>' },
        ]),
      PATIENT,
    );
    const detail = told(token)[0]!.detail;
    expect(await status()).toMatchObject({ status: 'bounced', error: detail });
    const ignored = await counted('ignored');
    await bounce(address, 'failed', '5.1.1');
    await absence(address);
    expect(await counted('ignored')).toBe(ignored + 2);
    expect(await counted('bounced')).toBe(1);
    expect(told(token)).toHaveLength(1);
    // It says "Approve", and decides nothing.
    expect(at.events(token)).toEqual([]);
    const kept = await at.house.service.database.query('select m::text from approval_mail m');
    expect(JSON.stringify(kept)).not.toContain(token);
    // Sent once more it is another mail, with a token of its own.
    next = newReplyAddress();
    const { id } = await status();
    const again = await at.house.admin.post(`/api/cloud/notifications/deliveries/${String(id)}/resend`);
    expect(again.status).toBe(202);
    await vi.waitFor(async () => expect(await status()).toMatchObject({ status: 'sent' }), PATIENT);
    expect(at.sink.senders.at(-1)).toBe(next.address);
  });

  it('is not unreached by a delay, by a bounce of another mail, or by what says it is of ours', async () => {
    const { address, token, status } = await ask();
    const unknown = newReplyAddress();
    const ignored = await counted('ignored');
    await bounce(address, 'delayed', '4.4.1');
    await bounce(address, 'relayed', '2.0.0');
    await bounce(unknown.address, 'failed', '5.1.1');
    await bounce('approvals@lineclear.test', 'failed', '5.1.1');
    await absence(address, 'Max <max@team.test>');
    expect(await counted('ignored')).toBe(ignored + 5);
    expect(await status()).toMatchObject({ status: 'sent' });
    expect([...told(token), ...told(unknown.token)]).toEqual([]);
  });

  it('is answered by who is away, and bounces after that', async () => {
    const { address, token, status } = await ask();
    expect(await absence(address)).toMatchObject({ kind: 'auto_reply' });
    await vi.waitFor(
      () => expect(told(token)).toMatchObject([{ why: 'away', detail: 'Away until Monday' }]),
      PATIENT,
    );
    expect(await status()).toMatchObject({ status: 'sent' });
    await absence(address);
    expect(told(token)).toHaveLength(1);
    await bounce(address, 'failed', '5.2.1');
    await vi.waitFor(() => expect(told(token).map(({ why }) => why)).toEqual(['away', 'bounced']), PATIENT);
    expect(await status()).toMatchObject({ status: 'bounced' });
    // Nobody answers a machine.
    expect(at.sink.mails.filter(({ subject = '' }) => subject.includes('Your answer'))).toEqual([]);
  });

  it('is sent in the name of the channel where the mail server takes no other sender', async () => {
    at.sink.takesSender = (sender) => !sender.includes('+');
    const before = at.sink.senders.length;
    const { address } = await ask();
    expect(at.sink.senders.slice(before)).toEqual([address, 'house@lineclear.test']);
  });

  it('is sent in the name of the channel where its answers go to another domain', async () => {
    const path = `/api/cloud/notifications/channels/${at.channelId}`;
    await at.house.admin.patch(path, { smtp_from_address: 'house@other.test' });
    await ask();
    expect(at.sink.senders.at(-1)).toBe('house@other.test');
    await at.house.admin.patch(path, { smtp_from_address: 'house@lineclear.test' });
  });
});
