import { afterAll, expect, it } from 'vitest';
import { parseMail } from './parse-mail.js';
import { ParsingThreads } from './parsing-threads.js';

const threads = new ParsingThreads();
afterAll(() => threads.onApplicationShutdown());

const OURS = { addresses: ['house@lineclear.test', 'approvals@lineclear.test'] };
const HEADER = 'From: Lead <LEAD@team.test>\r\nTo: "A, B" <a@team.test>, team: c@team.test, d@team.test;\r\n';
const mail = (rest: string): Buffer => Buffer.from(`${HEADER}${rest}`);
const nested = (depth: number): string => {
  let text = '';
  for (let at = 0; at < depth; at += 1)
    text += `Content-Type: multipart/mixed; boundary=b${at}\r\n\r\n--b${at}\r\n`;
  return `${text}Content-Type: text/plain\r\n\r\nApprove\r\n`;
};
const wide = (parts: number): string =>
  `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\nContent-Type: text/plain\r\n\r\nApprove\r\n'.repeat(parts)}--b--\r\n`;

it('reads addresses and words', async () => {
  expect(await parseMail(mail('Cc: X@XN--MLLER-KVA.test\r\n\r\nApprove, run it\r\n'), OURS)).toMatchObject({
    from: ['lead@team.test'],
    to: ['a@team.test', 'c@team.test', 'd@team.test'],
    cc: ['x@xn--mller-kva.test'],
    read: { kind: 'reply', verdict: 'approve', comment: 'run it' },
  });
});

it('passes over what is attached', async () => {
  const attached =
    'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nReject\r\n--b\r\n' +
    'Content-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nApprove\r\n--b--\r\n';
  expect(await parseMail(mail(attached), OURS)).toMatchObject({ read: { verdict: 'reject' } });
});

it.each([
  ['a malformed header', 'no header\r\n\r\nApprove', 'its header is malformed'],
  ['too many parts', wide(150), 'it has too many parts'],
  ['thousands of parts', wide(2_500), 'it has too many parts'],
  ['parts too deep', nested(30), 'its parts are nested too deep'],
])('refuses %s', async (_what, rest, refused) => {
  expect(await parseMail(mail(rest), OURS)).toEqual({ refused });
});

it.each([
  ['some parts', wide(90)],
  ['some depth', nested(15)],
])('reads a mail with %s', async (_what, rest) => {
  expect(await parseMail(mail(rest), OURS)).toMatchObject({ read: { kind: 'reply' } });
});

it('reads in a thread of its own, which is ended when it takes too long or ends by itself', async () => {
  const raw = mail('\r\nApprove\r\n');
  // The thread has yet to start: no machine is that fast.
  await expect(threads.parse(raw, OURS, 1)).rejects.toThrow('more than 1 ms');
  expect(await threads.parse(raw, OURS)).toMatchObject({ read: { verdict: 'approve' } });
  await expect(threads.parse(raw, undefined as never)).rejects.toThrow('reading it failed');
});

it('reads more mails at a time than it has threads for, and mixes up none', async () => {
  const words = ['approve', 'reject', 'reject', 'approve', 'reject'];
  const all = await Promise.all(words.map((word) => threads.parse(mail(`\r\n${word}\r\n`), OURS)));
  expect(all).toMatchObject(words.map((verdict) => ({ read: { verdict } })));
});

it('comes to an end with HTML that is built to be hard to read', async () => {
  const html = `Content-Type: text/html\r\n\r\n${'<div>'.repeat(200_000)}Approve\r\n`;
  expect(await threads.parse(mail(html), OURS)).toMatchObject({ read: { verdict: 'unclear' } });
});

it('comes to an end with a line that is built to be hard to read', async () => {
  const text = `\r\nApprove\r\n\r\n${'*'.repeat(100_000)}x\r\n`;
  expect(await threads.parse(mail(text), OURS)).toMatchObject({ read: { verdict: 'unclear' } });
});
