import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  approvalRequired,
  approversNow,
  approverUnreached,
  replyReceived,
  replyToken,
  type EventDef,
  type EventOf,
} from '@lineclear/contracts';
import { sealTo } from '@lineclear/kit';
import {
  isRoot,
  makeScratchFolder,
  startDovecot,
  startPostfix,
  type Dovecot,
  type Server,
} from '@lineclear/servers';
import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { aboutJob, historyOf, newJobId, openHouse, type House } from './house.js';
import { HOUSE, INBOUND, newReplyAddress, resolveRecords } from './mail-server.js';
import { isBeingRead, PATIENT, sha256 } from './mailbox-house.js';

const LEA = { user_id: 11, username: 'lea', email: 'lea@lineclear.test' };
const GONE = { user_id: 12, username: 'gone', email: 'gone@nowhere.test' };

if (!isRoot())
  console.warn(
    'Postfix takes root: that approval mails go through a real one is not tried here, only through smaller servers.',
  );

describe.runIf(isRoot())('through a real Postfix', () => {
  const dir = makeScratchFolder('postfix-test');
  let house: House;
  let dovecot: Dovecot;
  let postfix: Server<'postfix'>;
  let channelId: number;
  let asked: typeof LEA;
  let next: ReturnType<typeof newReplyAddress>;

  beforeAll(async () => {
    [house, dovecot] = await Promise.all([
      openHouse({}, { resolveRecords }),
      startDovecot({
        dir: join(dir, 'dovecot'),
        users: { approvals: 'secret', lea: 'secret' },
        durable: false,
      }),
    ]);
    const { lmtpSocket } = dovecot;
    postfix = await startPostfix({
      dir: join(dir, 'postfix'),
      domain: 'lineclear.test',
      lmtpSocket,
      durable: false,
    });
    house.peer.answer(approversNow, () => ({ people: [asked] }));
    house.peer.answer(replyToken, async ({ public_key }) => ({
      box: await sealTo(public_key, next.token),
      link_box: await sealTo(public_key, 'link'),
    }));
    const { body } = await house.admin.post('/api/cloud/notifications/channels', {
      channel_type: 'email',
      name: 'Approvals',
      smtp_host: '127.0.0.1',
      smtp_port: postfix.port,
      smtp_use_tls: false,
      smtp_from_address: HOUSE,
      reply_to: INBOUND,
      imap_enabled: true,
      imap_host: '127.0.0.1',
      imap_port: dovecot.port,
      imap_username: 'approvals',
      imap_password: 'secret',
      imap_use_ssl: false,
    });
    channelId = body.id;
    await isBeingRead(house, channelId);
  }, 120_000);
  afterAll(async () => {
    await house?.stop();
    await postfix?.stop();
    await dovecot?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  async function ask(person: typeof LEA): Promise<{ token: string; address: string }> {
    [asked, next] = [person, newReplyAddress()];
    await house.peer.publish(approvalRequired, {
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
    return next;
  }
  const told = <D extends EventDef>(def: D, token: string): EventOf<D>[] =>
    house.peer
      .events(def)
      .filter((one) => (one as { data: { token_sha256: string } }).data.token_sha256 === sha256(token));

  it('an approval mail finds its approver, and the answer its way back', async () => {
    const { token, address } = await ask(LEA);
    const client = new ImapFlow({
      host: '127.0.0.1',
      port: dovecot.port,
      secure: false,
      auth: { user: 'lea', pass: 'secret' },
      logger: false,
    });
    await client.connect();
    const source = await vi.waitFor(async () => {
      await client.mailboxOpen('INBOX');
      const mail = await client.fetchOne('*', { source: true });
      expect(mail).toBeTruthy();
      return (mail as { source: Buffer }).source.toString();
    }, PATIENT);
    await client.logout();
    expect(source).toContain(`Return-Path: <${address}>`);
    expect(source).toContain('(Postfix)');
    const answering = createTransport({ host: '127.0.0.1', port: postfix.port, ignoreTLS: true });
    const reply = { from: LEA.email, to: address, subject: 'Re: [LC]', text: 'Approve, go ahead\n' };
    await answering.sendMail(reply);
    answering.close();
    await vi.waitFor(() => expect(told(replyReceived, token)).toHaveLength(1), PATIENT);
    expect(told(replyReceived, token)[0]!.data).toMatchObject({
      from: LEA.email,
      verdict: 'approve',
      comment: 'go ahead',
      // Nobody signed it, and that is told as it is.
      sender: 'unproven',
    });
  });

  it('a mail to nobody who is known comes back, and is known for what it is', async () => {
    const { token } = await ask(GONE);
    await vi.waitFor(() => expect(told(approverUnreached, token)).toHaveLength(1), PATIENT);
    expect(told(approverUnreached, token)[0]!.data).toMatchObject({
      why: 'bounced',
      detail: expect.stringContaining('5.1.1'),
    });
    expect((await historyOf(house, channelId))[0]).toMatchObject({
      recipient: GONE.email,
      status: 'bounced',
    });
    expect(told(replyReceived, token)).toEqual([]);
  });
});
