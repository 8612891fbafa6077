import { expect, it } from 'vitest';
import { digestMail, MAX_LISTED } from './digest-mail.js';
import { BARS } from './mail-palette.js';

const HOUSE = 'https://lineclear.example.org/';
const message = (type: string, data: Record<string, unknown> = {}) => ({
  type,
  timestamp: '2026-01-01T00:00:00.000Z',
  data: { job_id: `job_${'a'.repeat(32)}`, config_name: 'flux-lora', ...data },
});

it('lists what happened, with links, and counts the rest', () => {
  const messages = [message('job.completed'), message('job.failed', { reason: '<b>run_failed</b>' })];
  const { subject, text, html } = digestMail(messages, 5, 'digest', HOUSE);
  const url = `https://lineclear.example.org/jobs/job_${'a'.repeat(32)}`;
  expect(subject).toBe('[Lineclear] 5 notifications');
  expect(text).toBe(
    [
      '5 notifications',
      '',
      '2026-01-01T00:00:00.000Z Your job is done: flux-lora',
      `  ${url}`,
      '2026-01-01T00:00:00.000Z Your job failed: flux-lora',
      '  <b>run_failed</b>',
      `  ${url}`,
      'and 3 more, which are not listed here',
      '',
    ].join('\n'),
  );
  expect(html).toContain(`Information: <a href="${url}">Your job is done: flux-lora</a>`);
  expect(html).toContain(`Error: <a href="${url}">Your job failed: flux-lora</a>`);
  expect(html).toContain('&#60;b&#62;run_failed&#60;/b&#62;');
  expect(html).toContain('and 3 more, which are not listed here');
});

it.each([
  [['job.completed', 'quota.warning'], 'warning'],
  [['secret.leak_detected', 'job.failed', 'job.completed'], 'critical'],
  [['job.completed'], 'info'],
] as const)('is as serious as the worst of %j', (types, worst) => {
  const { html } = digestMail(
    types.map((type) => message(type)),
    5,
    'digest',
    HOUSE,
  );
  expect(html).toMatch(new RegExp(`background-color:${BARS[worst]};[^>]*>Most serious of these: ${worst}<`));
});

it('is short enough to be shown whole when it lists as many as it can', () => {
  const failed = message('job.failed', { reason: 'provider_unavailable' });
  const { html } = digestMail(Array(MAX_LISTED).fill(failed), MAX_LISTED, 'digest', HOUSE);
  expect(Buffer.byteLength(html)).toBeLessThan(102_000);
});
