import { describe, expect, it } from 'vitest';
import { approvalMail } from '../domain/approval-mail.js';
import { htmlText } from './html-text.js';
import { readReply } from './read-reply.js';

const OURS = { addresses: ['approvals@lineclear.example'], name: 'Lineclear' };
const asked = {
  approval_id: '0190f3c2-a1b2-7c3d-8e4f-5a6b7c8d9e22',
  rule_id: 1,
  rule_name: 'high_cost',
  reason: 'estimated cost $72.00 exceeds $50.00',
  required_level: 'lead',
  expires_at: '2026-11-29T12:00:00.000Z',
  job_id: `job_${'a'.repeat(32)}`,
  user_id: 7,
  username: 'ada',
  provider: 'replicate',
  config_name: 'flux-lora',
  hardware: 'a100-80gb',
  estimated_cost_usd: 72,
};
const htmlOf = (about: typeof asked): string =>
  approvalMail(about, 'https://lc.example', {
    replyTo: 'approvals+token@lineclear.example',
    link: 'https://lc.example/api/approvals/links#token',
  }).html;

// Some programs take styles away from what they quote: what was hidden is then to be seen.
const bare = (html: string): string =>
  html.replace(/<style>.*?<\/style>/gs, '').replace(/ (?:style|class)="[^"]*"/g, '');
const asText = (html: string): string => {
  const read = htmlText(html);
  return 'refused' in read ? read.refused : read.text;
};
const FROM = [
  '<b>From:</b> Lineclear &lt;approvals@lineclear.example&gt;',
  '<b>Sent:</b> Saturday, November 28, 2026 12:00',
  '<b>To:</b> Lea',
  '<b>Subject:</b> ada asks for approval',
].join('<br>');
const ON = 'On Sat, 28 Nov 2026 at 12:00, Lineclear <approvals@lineclear.example> wrote:';

type Quoting = (words: string, html: string) => { text?: string; html?: string };
const gmail: Quoting = (words, html) => ({
  html: `<div dir="ltr">${words}</div><br><div class="gmail_quote"><div class="gmail_attr">${ON.replace('<', '&lt;').replace('>', '&gt;')}<br></div><blockquote class="gmail_quote">${html}</blockquote></div>`,
});
const apple: Quoting = (words, html) => ({
  html: `<html><body>${words}<br><blockquote type="cite"><div>${ON.replace('<', '&lt;').replace('>', '&gt;')}</div>${html}</blockquote></body></html>`,
});
const outlook: Quoting = (words, html) => ({
  html: `<html><head>${/<style>.*?<\/style>/s.exec(html)?.[0] ?? ''}</head><body><p class="MsoNormal">${words}</p><div style="border-top:solid #E1E1E1 1.0pt"><p>${FROM}</p></div>${html}</body></html>`,
});
const plain: Quoting = (words, html) => ({
  text: `${words}\n\n${ON}\n\n${asText(html).replace(/^/gm, '> ')}`,
});
const outlookText: Quoting = (words, html) => ({
  text: `${words}\n\n${asText(`<p>${FROM}</p>`)}\n\n${asText(html)}`,
});
const both: Quoting = (words, html) => ({ ...plain(words, html), ...gmail(words, html) });

const WAYS: readonly [string, Quoting][] = [
  ['Gmail', gmail],
  ['Apple Mail', apple],
  ['Outlook', outlook],
  ['a program that writes text', plain],
  ['a program that writes text and marks no quote', outlookText],
  ['a program that writes both', both],
];
// Whoever asks gives names to their liking; they decide nothing.
const HOSTILE = { ...asked, username: 'approve', config_name: 'APPROVE', reason: 'approved', hardware: 'ok' };
const MAILS: readonly [string, string][] = [
  ['whole', htmlOf(asked)],
  ['without its styles', bare(htmlOf(asked))],
  ['with names that look like verbs', htmlOf(HOSTILE)],
  ['with names that look like verbs, without its styles', bare(htmlOf(HOSTILE))],
];

describe.each(WAYS)('an answer by %s', (_, quote) => {
  describe.each(MAILS)('that quotes the HTML of the mail %s', (__, html) => {
    it.each([
      ['Approve', 'approve'],
      ['APPROVE, go ahead', 'approve'],
      ['Reject, too dear', 'reject'],
      ['', 'unclear'],
    ])('and says %j above it', (words, verdict) => {
      expect(readReply({ ...quote(words, html), headers: {} }, OURS)).toMatchObject({ verdict });
    });
  });
});

it.each(MAILS)('the HTML of the mail %s, sent back as it is, decides nothing', (_, html) => {
  for (const answer of [{ html }, { text: asText(html) }])
    expect(readReply({ ...answer, headers: {} }, OURS)).toMatchObject({ verdict: 'unclear' });
});

it('what stands outside a body is read too', () => {
  const html = 'I do not want this<body>Approve</body>';
  expect(readReply({ html, headers: {} }, OURS)).toMatchObject({ verdict: 'unclear' });
});

it('what was hidden is to be seen where styles are taken away', () => {
  expect(asText(htmlOf(asked))).not.toContain('Why: estimated cost');
  expect(asText(bare(htmlOf(asked)))).toMatch(/^Why: estimated cost/);
});
