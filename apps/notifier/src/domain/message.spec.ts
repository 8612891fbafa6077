import { describe, expect, it } from 'vitest';
import { mailOf } from './mail.js';
import { messageOf } from './message.js';

const message = (data: Record<string, unknown>, type = 'job.completed') =>
  messageOf({ type, time: '2026-01-01T00:00:00.000Z', data });

describe('what the outside is told', () => {
  it('leaves out what is internal and keeps the rest', () => {
    const told = message({ job_id: 'job_1', claim_id: 'c', facts: { level: 'viewer' }, cost_usd: 1 });
    expect(told).toEqual({
      type: 'job.completed',
      timestamp: '2026-01-01T00:00:00.000Z',
      data: { job_id: 'job_1', cost_usd: 1 },
    });
  });
});

describe('a mail', () => {
  it('says what happened, with a link to the job', () => {
    const mail = mailOf(
      message({ job_id: 'job_1', config_name: 'tiny', cost_usd: 1.5 }),
      'https://lc.example/',
    );
    expect(mail.subject).toBe('[Lineclear] Job completed: tiny');
    expect(mail.text).toContain('Cost usd: 1.5');
    expect(mail.text).toContain('https://lc.example/jobs/job_1');
    expect(mail.html).toContain('<a href="https://lc.example/jobs/job_1">');
  });

  it.each([
    [{ reason: 'run_failed', message: 'exit code 1' }, 'exit code 1'],
    [{ reason: 'run_failed' }, 'run_failed'],
    [{ job_id: 'job_1' }, 'Job id: job_1, Time: 2026-01-01T00:00:00.000Z'],
  ])('of %j tells in a list of mails: %s', (data, told) => {
    const { html } = mailOf(message(data, 'job.failed'), 'https://lc.example');
    expect(html).toMatch(new RegExp(`<div style="display:none[^>]*>${told}</div>`));
    expect(html).toMatch(/background-color:[^>]*>Error</);
  });

  it.each([
    ['markup', '<img src=x onerror=alert(1)>'],
    ['quotes', `"><script>'`],
    ['line ends', 'tiny\r\nBcc: everyone@example.org'],
    ['direction marks', 'tiny\u202egnp.exe'],
  ])('is not changed by %s in a name', (_, configName) => {
    const { subject, text, html } = mailOf(message({ config_name: configName }), 'http://127.0.0.1');
    expect(html).not.toMatch(/<img|<script/);
    expect(subject).not.toMatch(/[\r\n\u202e]/);
    expect(text.split('\n').some((line) => line.startsWith('Bcc'))).toBe(false);
  });

  it('names people', () => {
    const cancelled_by = { user_id: 2, username: 'lea' };
    const { text } = mailOf(
      message({ user_id: 7, username: 'ada', cancelled_by }, 'job.cancelled'),
      'http://127.0.0.1',
    );
    expect(text).toContain('User id: 7\nUsername: ada\nCancelled by: lea\n');
    expect(text).not.toContain('User id: 2');
  });

  it('opens what is nested and bounds what is long', () => {
    const { subject, text } = mailOf(
      message(
        { config_name: 'x'.repeat(5_000), approval: { reason: 'too dear', required_level: 'lead' } },
        'approval.required',
      ),
      'http://127.0.0.1',
    );
    expect(subject.length).toBeLessThanOrEqual(150);
    expect(text).toContain('Reason: too dear');
    expect(text.length).toBeLessThan(2_000);
  });
});
