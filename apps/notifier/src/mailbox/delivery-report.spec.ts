import { expect, it } from 'vitest';
import { failureOf, quoted } from './delivery-report.js';

const report = (...fields: string[]): Buffer =>
  Buffer.from(
    [
      'From: MAILER-DAEMON@mx.test',
      'Content-Type: multipart/report; report-type=delivery-status;',
      '\tboundary="b/1"',
      '',
      '--b/1',
      'Content-Type: text/plain',
      '',
      'Action: failed',
      '--b/1',
      'Content-Type: message/delivery-status',
      '',
      'Reporting-MTA: dns; mx.test',
      '',
      ...fields,
      '--b/1--',
      '',
    ].join('\r\n'),
  );
const FINAL = 'Final-Recipient: rfc822; lea@team.test';
const TOKEN = 'mfrggzdfmztwq2lknnwg23taaaaaaaaa';

it.each([
  [
    [FINAL, 'Action: failed', 'Status: 5.1.1', 'Diagnostic-Code: smtp; 550 5.1.1 no', ' such user'],
    '5.1.1 550 5.1.1 no such user',
  ],
  [['Action: FAILED', 'Status: 4.4.7'], '4.4.7'],
  [['Status: 5.2.1'], '5.2.1'],
  [['Action: delayed', 'Status: 4.4.1'], undefined],
  [['Action: delayed', 'Status: 5.4.1'], undefined],
  [['Action: relayed', 'Status: 2.0.0'], undefined],
  [['Action: delivered', 'Status: 2.0.0'], undefined],
  [['Status: 4.2.2'], undefined],
  [[FINAL], undefined],
])('reads %j as %j', (fields, detail) => {
  expect(failureOf(report(...fields), '')).toBe(detail);
});

it('reads a report whose part is in base64', () => {
  const raw = report('Action: failed', 'Status: 5.1.1').toString();
  const [body] = /Reporting-MTA[^]*5\.1\.1/u.exec(raw)!;
  const encoded = raw
    .replace('message/delivery-status', 'message/delivery-status\r\nContent-Transfer-Encoding: base64')
    .replace(body, Buffer.from(body).toString('base64'));
  expect(failureOf(Buffer.from(encoded), '')).toBe('5.1.1');
});

const PLAIN = Buffer.from('From: MAILER-DAEMON@mx.test\r\n\r\n');
it.each([
  [
    '<lea@team.test>:\n550 5.1.1 no such user\nThis is a permanent error; I have given up.',
    '550 5.1.1 no such user',
  ],
  ['This is a permanent error. The following address failed:\n lea@team.test', 'a permanent error'],
  ['This message has not been delivered yet. 451 busy', undefined],
  ['550 no such user', undefined],
])('of a mail that is no report, reads %j as %j', (text, detail) => {
  expect(failureOf(PLAIN, text)).toBe(detail);
});

it('quotes no token, and one line', () => {
  expect(quoted(`<approvals+${TOKEN.toUpperCase()}@lineclear.test>\r\n is unknown`)).toBe(
    '<approvals+…@lineclear.test> is unknown',
  );
});
