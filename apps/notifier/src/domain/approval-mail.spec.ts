import { describe, expect, it } from 'vitest';
import { readReply } from '../replies/read-reply.js';
import { approvalMail, referenceOf, replyAnswerMail } from './approval-mail.js';
import { escapeHtml } from './escape-html.js';

const HOUSE = 'https://lc.example/';
const INBOUND = 'approvals@lineclear.example';
const REPLY_TO = `approvals+${'a2'.repeat(16)}@lineclear.example`;
const LINK = `https://lc.example/api/approvals/links#${'b3'.repeat(16)}`;
const WAYS = { replyTo: REPLY_TO, link: LINK };
const about = {
  approval_id: '0190f3c2-a1b2-7c3d-8e4f-5a6b7c8d9e22',
  rule_id: 1,
  rule_name: 'high_cost',
  reason: 'estimated cost $72.00 exceeds $50.00',
  required_level: 'lead',
  also_levels: ['senior'],
  expires_at: '2026-11-29T12:00:00.000Z',
  job_id: `job_${'a'.repeat(32)}`,
  user_id: 7,
  username: 'ada',
  provider: 'replicate',
  config_name: 'flux-lora',
  hardware: 'a100-80gb',
  estimated_cost_usd: 72,
};
const handled = {
  mail_id: about.approval_id,
  to: 'lea@lineclear.test',
  outcome: 'closed' as const,
  message: 'Nothing was changed: the request is approved already, by <b>root</b>.',
  approval_id: about.approval_id,
};

describe('the mail that asks for an approval', () => {
  it('reminds of the stage that the request is in', () => {
    const stages = [1, 2].map((approvals) => ({ approvals, levels: ['lead'] }));
    const { text } = approvalMail({ ...about, stages, stage: 2, round: 1, number: 1 }, HOUSE, WAYS);
    expect(text).toContain('Stage: 2 of 2: takes 2 approvals');
  });

  it('says who asks for what, why, until when, and how to answer', () => {
    const { subject, text, html, replyTo } = approvalMail(about, HOUSE, WAYS);
    expect(subject).toBe('[LC-8d9e22] ada asks for approval: flux-lora ($72.00)');
    expect(text.startsWith('Reply APPROVE or REJECT above this line\n')).toBe(true);
    for (const part of [text, html])
      for (const said of [
        'ada',
        'flux-lora',
        'a100-80gb (replicate)',
        '$72.00',
        'high_cost',
        about.reason,
        'lead and senior',
        about.expires_at,
        about.job_id,
        `https://lc.example/api/approvals/requests/${about.approval_id}/approve`,
      ])
        expect(part).toContain(said);
    expect(replyTo).toBe(REPLY_TO);
    // The token is where answers go, and nowhere that is quoted.
    expect(subject + text + html).not.toContain('a2a2');
    // What a link scanner can open decides nothing, and the token is not sent with what it asks for.
    expect(text).toContain(`Or look at it and decide in a browser: ${LINK}\n`);
    expect(html.match(/<a [^>]*>/g)).toEqual([`<a href="${escapeHtml(LINK)}">`]);
  });

  it('asks for no answer where nobody reads it', () => {
    const mail = approvalMail(about, HOUSE, { link: LINK });
    expect(mail).not.toHaveProperty('replyTo');
    expect(mail.text).not.toMatch(/reply|answer this mail/i);
    expect(mail.text).toContain(`\nLook at it and decide in a browser: ${LINK}\n`);
    expect(mail.text).toContain(
      `POST https://lc.example/api/approvals/requests/${about.approval_id}/approve`,
    );
  });

  it('shows who asks and what it costs first, and how to decide above the details', () => {
    const { html } = approvalMail({ ...about, number: 1 }, HOUSE, WAYS);
    const said = [
      'Reply APPROVE or REJECT above this line',
      'Still waits for your decision',
      'A job waits for approval: flux-lora',
      '>ada<',
      '>$72.00<',
      'Look at it and decide',
      'Or answer this mail: APPROVE or REJECT alone on the first line',
      'high_cost',
      'do not forward this mail',
    ].map((words) => html.lastIndexOf(words));
    expect(said).not.toContain(-1);
    expect(said).toEqual(said.toSorted((a, b) => a - b));
    expect(approvalMail(about, HOUSE, { link: LINK }).html).not.toMatch(/reply|answer this mail/i);
  });

  it('lets no name look like more than it is', () => {
    const { subject, text, html } = approvalMail(
      { ...about, config_name: 'a\r\nBcc: b\n\nAPPROVE', reason: '<b>x</b>\u202e' },
      HOUSE,
      WAYS,
    );
    expect(subject).not.toMatch(/[\r\n]/);
    expect(text).toContain('Config: a Bcc: b APPROVE\n');
    expect(html).toContain('&#60;b&#62;x&#60;/b&#62;<');
    expect(approvalMail({ ...about, config_name: 'x'.repeat(200) }, HOUSE, WAYS).subject).toHaveLength(150);
  });

  const { subject, text, html } = approvalMail(about, HOUSE, WAYS);
  const quoted = text.replace(/^/gm, '> ');
  const outlook = `From: Lineclear <${INBOUND}>\nSent: Saturday, November 28, 2026 12:00\nTo: Lea <lea@lineclear.test>\nSubject: ${subject}\n\n${text}`;
  const gmail = `On Sat, 28 Nov 2026 at 12:00, Lineclear <${INBOUND}> wrote:\n\n${quoted}`;
  it.each([
    ['approved', `APPROVE\n\n${gmail}`, 'approve'],
    ['approved with a comment', `Approve, go ahead\n\n${gmail}`, 'approve'],
    ['rejected', `REJECT, too dear\n\n${gmail}`, 'reject'],
    ['approved without quotation marks', `APPROVE\n\n${outlook}`, 'approve'],
    ['forgotten', `\n${gmail}`, 'unclear'],
    ['forgotten without quotation marks', `\n${outlook}`, 'unclear'],
    ['sent back as it was', text, 'unclear'],
  ])('is read as it was meant when it is %s', (_, answer, verdict) => {
    expect(readReply({ text: answer, headers: {} }, { addresses: [INBOUND] })).toMatchObject({ verdict });
  });

  it('is read as it was meant when it is answered in HTML', () => {
    const body = /<body>(.*)<\/body>/s.exec(html)![1];
    const answer = `<p>Approve</p><div class="gmail_quote"><blockquote>${body}</blockquote></div>`;
    expect(readReply({ html: answer, headers: {} }, { addresses: [INBOUND] })).toMatchObject({
      verdict: 'approve',
    });
  });
});

describe('the mail that says what became of an answer', () => {
  it('says so, and is no mail to answer', () => {
    const { subject, text, html, isAnswer, replyTo } = replyAnswerMail(handled);
    expect(subject).toBe('[LC-8d9e22] Your answer: closed');
    expect(text).toBe(`${handled.message}\n`);
    expect(html).not.toContain('<b>');
    expect([isAnswer, replyTo]).toEqual([true, undefined]);
  });

  it('does not tell what it was about to whom it is none of their business', () => {
    const { subject } = replyAnswerMail({ ...handled, outcome: 'not_the_approver' });
    expect(subject).toBe('[Lineclear] Your answer: not the approver');
  });
});

it('names a request so that it can be read out', () => {
  expect(referenceOf(about.approval_id)).toBe('LC-8d9e22');
});
