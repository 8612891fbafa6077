// The mail servers of bench/mail.mjs as their other ends see them.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { startDovecot } from '@lineclear/servers';
import { ImapFlow } from 'imapflow';
import { openLoop, sleep } from './measure.mjs';

export const RELAY = 'mx.lineclear.test';
export const LOGIN = { user: 'approvals', pass: 'of-the-bench' };
const LEA = 'lea@lineclear.test';
const INBOUND = 'approvals@lineclear.test';
/** As many as the house handles at once. */
const TOGETHER = 8;

/** The least that a mail server can be: it takes every mail and keeps its token, by the job it asks about. */
export async function receiveTokens() {
  const tokens = new Map();
  const server = createServer((socket) => {
    let lines;
    const say = (text) => socket.write(`${text}\r\n`);
    socket.on('error', () => undefined);
    const input = createInterface({ input: socket });
    input.on('error', () => undefined);
    input.on('line', (line) => {
      if (lines === undefined) {
        if (line === 'DATA') lines = [];
        say(lines ? '354 go on' : '250 fine');
      } else if (line === '.') {
        const mail = lines.join('\n').replaceAll('=\n', '');
        const [token] = /(?<=^Reply-To: approvals\+)[a-z2-7]{32}(?=@)/m.exec(mail) ?? [];
        if (token && mail.includes(`To: ${LEA}`)) tokens.set(/\bjob_[0-9a-z]+/.exec(mail)[0], token);
        lines = undefined;
        say('250 taken');
      } else lines.push(line);
    });
    say('220 here');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { tokens, port: server.address().port, close: () => server.close() };
}

/**
 * Hands answers over to a mail server, by LMTP to the one that keeps the mailbox or by SMTP to one before it: all on one
 * connection, one after the other; each promise is kept once the server has the mail.
 */
export function openDoor(socket, protocol) {
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const said = async () => {
    for (;;) {
      const { value = '(nothing)' } = await lines.next();
      if (value[3] === '-') continue;
      if (!/^[23]/.test(value)) throw new Error(`the mail server said ${value}`);
      return;
    }
  };
  const say = (text) => {
    socket.write(`${text}\r\n`);
    return said();
  };
  let turn = said().then(() => say(`${protocol === 'lmtp' ? 'LHLO' : 'EHLO'} ${RELAY}`));
  return {
    handOver(to) {
      turn = turn.then(async () => {
        await say(`MAIL FROM:<${LEA}>`);
        await say(`RCPT TO:<${protocol === 'lmtp' ? LOGIN.user : to}>`);
        await say('DATA');
        const mail = [
          `Authentication-Results: ${RELAY}; dmarc=pass header.from=lineclear.test`,
          `From: ${LEA}`,
          `To: ${to}`,
          'Subject: Re: a job asks for approval',
          `Message-ID: <${randomUUID()}@lineclear.test>`,
          `Date: ${new Date().toUTCString()}`,
          'Content-Type: text/plain; charset=utf-8',
          '',
          'Approve',
          '.',
        ];
        await say(mail.join('\r\n'));
      });
      return turn;
    },
    close: () => socket.destroy(),
  };
}

/**
 * What a mail server gives at best, in a mailbox that nobody else reads: from a mail handed over until a bare client that waits
 * in IDLE has fetched it (ms, each), and how many mails a second that lie there it fetches and moves away, a few by each command.
 */
export async function measureMailServer(dir, openLmtp, { paced, perSecond, atOnce }) {
  const server = await startDovecot({ dir, users: { [LOGIN.user]: LOGIN.pass } });
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: server.port,
    secure: false,
    auth: LOGIN,
    logger: false,
    autoIdleDelay: 20,
  });
  const lmtp = openLmtp(server.lmtpSocket);
  const starts = [];
  const latencies = [];
  try {
    await client.connect();
    await client.mailboxOpen('INBOX');
    let seen = 0;
    let isLooking = false;
    const look = async () => {
      if (isLooking) return;
      isLooking = true;
      while (client.mailbox.exists > seen && seen < paced) {
        await client.fetchOne(String(seen + 1), { source: true });
        latencies.push(performance.now() - starts[seen]);
        seen += 1;
      }
      isLooking = false;
    };
    client.on('exists', () => void look());
    await openLoop(perSecond, paced / perSecond, () => {
      starts.push(performance.now());
      return lmtp.handOver(INBOUND);
    });
    for (const until = performance.now() + 10_000; latencies.length < paced && performance.now() < until;)
      await sleep(50);
    for (let n = paced; n < atOnce; n += 1) await lmtp.handOver(INBOUND);
    await client.mailboxCreate('Processed');
    const before = performance.now();
    const uids = await client.search({ all: true }, { uid: true });
    for (let at = 0; at < uids.length; at += TOGETHER) {
      const group = uids.slice(at, at + TOGETHER).join(',');
      await client.fetchAll(group, { source: true }, { uid: true });
      await client.messageMove(group, 'Processed', { uid: true });
    }
    return { latencies, perSecond: uids.length / ((performance.now() - before) / 1_000) };
  } finally {
    lmtp.close();
    client.close();
    await server.stop();
  }
}
