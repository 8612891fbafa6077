import { expect, it } from 'vitest';
import { messageOf } from './message.js';
import { askingMessage, decidedMessage, outcomeText } from './slack-approval.js';
import { tellingOf } from './telling.js';

const AT = '2026-01-01T00:00:00.000Z';
const APPROVAL = '0190f3c2-a1b2-7c3d-8e4f-5a6b7c8d9e10';
const telling = tellingOf(
  messageOf({ type: 'approval.required', time: AT, data: { job_id: 'job_1', config_name: 'tiny' } }),
  'https://lc.example',
);

it.each([
  [{ status: 'approved', at: AT, by: 'lea', via: 'slack' }, `Approved by lea in Slack, ${AT}`],
  [{ status: 'approved', at: AT, by: 'lea', via: 'api' }, `Approved by lea in Lineclear, ${AT}`],
  [
    { status: 'rejected', at: AT, by: 'lea', via: 'email', reason: 'too dear' },
    `Rejected by lea by mail, ${AT}: too dear`,
  ],
  [{ status: 'expired', at: AT }, `Expired: nobody decided in time, ${AT}`],
  [{ status: 'cancelled', at: AT, by: 'ada' }, `Withdrawn by ada, ${AT}`],
] as const)('says how it ended: %j', (outcome, text) => {
  expect(outcomeText(outcome)).toBe(text);
});

it('cuts no character of a long reason in two', () => {
  for (const before of ['', 'x'])
    expect(
      outcomeText({ status: 'rejected', at: AT, reason: before + '😀'.repeat(400) }).isWellFormed(),
    ).toBe(true);
});

it('asks with two buttons, and shows none once it is decided', () => {
  const step = { stage: 2, round: 1 };
  const asking = JSON.stringify(askingMessage(telling, { approvalId: APPROVAL, step }));
  expect(asking.match(/"action_id"/g)).toHaveLength(2);
  expect(asking).toContain(`"value":"${APPROVAL} 2 1"`);
  const reason = `<!channel> ${'x'.repeat(3_000)}`;
  const decided = decidedMessage(telling, { status: 'rejected', at: AT, by: 'lea', via: 'slack', reason });
  expect(JSON.stringify(decided)).not.toContain('"action_id"');
  expect(decided.text).not.toContain('<!channel>');
  expect(JSON.stringify(decided.blocks.at(-1))).toContain('"plain_text","text":"Rejected by lea in Slack');
  expect(JSON.stringify(decided.blocks.at(-1)).length).toBeLessThan(2_000);
});
