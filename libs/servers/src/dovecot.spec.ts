import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startDovecot, type Dovecot } from './dovecot.js';
import { probeDovecot } from './probes.js';
import { makeScratchFolder } from './unprivileged.js';

const base = makeScratchFolder('dovecot-test');
const opened: Dovecot[] = [];
const open = async (...args: Parameters<typeof startDovecot>): Promise<Dovecot> => {
  const server = await startDovecot(...args);
  opened.push(server);
  return server;
};
afterAll(async () => {
  await Promise.all(opened.map((server) => server.stop()));
  rmSync(base, { recursive: true, force: true });
});

/** Says these lines, each once the one before was answered. */
async function converse(to: { port: number } | { path: string }, lines: readonly string[]): Promise<string> {
  const socket = connect('port' in to ? { ...to, host: '127.0.0.1' } : to);
  const left = [...lines];
  let heard = '';
  for await (const part of socket.setEncoding('utf8') as AsyncIterable<string>) {
    heard += part;
    if (!/^(?:\* OK|\+ |[a-z] \w+|\d{3} ).*\r\n$/m.test(part)) continue;
    const line = left.shift();
    if (line === undefined) break;
    socket.write(`${line}\r\n`);
  }
  return heard;
}

it('takes a mail by LMTP and shows it by IMAP, and has it still after a stop and a kill', async () => {
  const server = await open({ dir: join(base, 'one'), users: { approvals: 'secret' }, durable: false });
  const { port, url, lmtpSocket } = server;
  expect(url).toBe(`imap://127.0.0.1:${port}`);
  const user = { name: 'approvals', password: 'secret', tls: false };
  await probeDovecot(port, user);
  await expect(probeDovecot(port, { ...user, password: 'another' })).rejects.toThrow('AUTHENTICATIONFAILED');
  const said = await converse({ path: lmtpSocket }, [
    'LHLO there',
    'MAIL FROM:<ada@lineclear.test>',
    'RCPT TO:<approvals+token@lineclear.test>',
    'DATA',
    'Subject: Approve\r\n\r\nApprove\r\n.',
    'QUIT',
  ]);
  expect(said).toContain('250 2.0.0 <approvals+token@lineclear.test>');
  const look = ['a LOGIN approvals secret', 'b SELECT INBOX', 'c UID FETCH 1 BODY.PEEK[]', 'd LOGOUT'];
  expect(await converse({ port }, look)).toContain('Delivered-To: approvals+token@lineclear.test');
  const before = server.pid;
  await server.kill();
  expect(server.pid).toBe(0);
  await server.start();
  expect([server.port, server.pid === before]).toEqual([port, false]);
  await server.stop();
  await expect(probeDovecot(port, user)).rejects.toThrow();
  await server.start();
  expect(await converse({ port }, look)).toContain('* 1 EXISTS');
});
