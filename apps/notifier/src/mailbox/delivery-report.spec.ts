import { describe, expect, it } from 'vitest';
import { readDeliveryReport, returnedMessageId } from './delivery-report.js';

const postfix = (more: string): string => `Reporting-MTA: dns; mail.example.com
X-Postfix-Queue-ID: 3C0A21C0083
X-Postfix-Sender: rfc822; approvals+abc@lineclear.example
Arrival-Date: Sat, 28 Nov 2026 12:00:00 +0000 (UTC)

Final-Recipient: rfc822; gone@team.test
Original-Recipient: rfc822;gone@team.test
${more}
`;

describe('the report of a mail server', () => {
  it.each([
    [
      'Postfix',
      postfix(`Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.team.test
Diagnostic-Code: smtp; 550 5.1.1 <gone@team.test>: Recipient address rejected:
    User unknown in virtual mailbox table`),
      {
        isFinal: true,
        diagnostic:
          '5.1.1 550 5.1.1 <gone@team.test>: Recipient address rejected: User unknown in virtual mailbox table',
      },
    ],
    [
      'Exchange Online',
      'Reporting-MTA: dns;DB7PR01MB1234.eurprd01.prod.exchangelabs.com\r\nReceived-From-MTA: dns;mail.lineclear.example\r\nArrival-Date: Sat, 28 Nov 2026 12:00:00 +0000\r\n\r\nFinal-Recipient: rfc822;gone@team.test\r\nAction: failed\r\nStatus: 5.1.10\r\nDiagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup\r\n',
      {
        isFinal: true,
        diagnostic:
          '5.1.10 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
      },
    ],
    [
      'Gmail',
      `Reporting-MTA: dns; googlemail.com
Arrival-Date: Sat, 28 Nov 2026 04:00:00 -0800 (PST)
X-Original-Message-ID: <0190f3c2@lineclear.example>

Final-Recipient: rfc822; gone@gmail.test
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.
Last-Attempt-Date: Sat, 28 Nov 2026 04:00:01 -0800 (PST)
`,
      {
        isFinal: true,
        diagnostic: '5.1.1 550-5.1.1 The email account that you tried to reach does not exist.',
      },
    ],
    [
      'one of a full mailbox that is tried again',
      postfix('Action: delayed\nStatus: 4.2.2'),
      { isFinal: false, diagnostic: '4.2.2' },
    ],
    [
      'one that gave up on what was not for good',
      postfix('Action: failed\nStatus: 4.4.1'),
      { isFinal: false, diagnostic: '4.4.1' },
    ],
    [
      'one of what arrived',
      postfix('Action: delivered\nStatus: 2.0.0'),
      { isFinal: false, diagnostic: '2.0.0' },
    ],
    ['one without a status', postfix('Action: failed'), { isFinal: false, diagnostic: '' }],
    ['one that is none', 'Reporting-MTA: dns; mail.example.com\n\nhello\n', undefined],
    ['nothing', '', undefined],
  ])('%s', (_, text, report) => {
    expect(readDeliveryReport(text)).toEqual(report);
  });

  it('is cut, and has no control characters', () => {
    const report = readDeliveryReport(
      postfix(`Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; \u0000${'x'.repeat(2_000)}`),
    );
    expect(report?.diagnostic).toMatch(/^5\.0\.0 x+$/);
    expect(report?.diagnostic).toHaveLength(500);
  });
});

it('finds our own id in the header that is handed back', () => {
  expect(returnedMessageId('From: a@b.test\r\nMessage-ID:\r\n <1@lineclear.example>\r\nSubject: x\r\n')).toBe(
    '<1@lineclear.example>',
  );
  expect(returnedMessageId('From: a@b.test\r\n')).toBeUndefined();
});
