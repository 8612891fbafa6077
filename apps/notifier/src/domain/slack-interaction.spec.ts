import { describe, expect, it } from 'vitest';
import { askedText, readInteraction } from './slack-interaction.js';

const APPROVAL = '0190f3c2-a1b2-7c3d-8e4f-5a6b7c8d9e10';
const who = { user: { id: 'U1', name: 'lea', team_id: 'T2' }, team: { id: 'T1', domain: 'x' } };
const press = (action_id: string, value: string = APPROVAL) => ({
  type: 'block_actions',
  ...who,
  trigger_id: '1.2.3',
  actions: [{ action_id, value, type: 'button', block_id: 'decision' }],
});
const submission = (value: string | null, more: object = {}) => ({
  type: 'view_submission',
  ...who,
  view: {
    id: 'V1',
    callback_id: 'reject',
    private_metadata: APPROVAL,
    state: { values: { reason: { reason: { type: 'plain_text_input', value } } } },
    ...more,
  },
});
const PERSON = { teamId: 'T1', slackUserId: 'U1', name: 'lea' };
const read = (payload: object) => readInteraction(JSON.stringify(payload));

describe('what Slack says', () => {
  it.each(['approve', 'reject'])('%s was pressed', (action) => {
    expect(read(press(action))).toEqual({
      kind: 'press',
      action,
      asked: { approvalId: APPROVAL },
      triggerId: '1.2.3',
      who: PERSON,
    });
  });

  it.each([
    [' too dear ', 'too dear'],
    [null, ''],
    ['x'.repeat(5_000), 'x'.repeat(2_000)],
  ])('a reason was given', (given, reason) => {
    expect(read(submission(given))).toEqual({
      kind: 'reason',
      asked: { approvalId: APPROVAL },
      reason,
      who: PERSON,
    });
  });

  it.each([{ approvalId: APPROVAL, step: { stage: 2, round: 13 } }, { approvalId: APPROVAL }])(
    'of what a button carries it reads what was written: %j',
    (asked) => {
      expect(read(press('approve', askedText(asked)))).toMatchObject({ asked });
      expect(read(submission('x', { private_metadata: askedText(asked) }))).toMatchObject({ asked });
    },
  );

  it('knows a person of an organisation of workspaces by their own', () => {
    expect(read({ ...press('approve'), team: null })).toMatchObject({ who: { teamId: 'T2' } });
  });

  it.each([
    press('show'),
    press('approve', 'no id'),
    press('approve', `${APPROVAL} 1`),
    press('approve', `${APPROVAL} 0 1`),
    press('approve', `${APPROVAL} 1 1 1`),
    press('approve', 'x'.repeat(36)),
    submission('x', { callback_id: 'other' }),
    submission('x', { private_metadata: 'no id' }),
    { type: 'view_closed' },
  ])('nothing for us: %j', (payload) => {
    expect(read(payload)).toEqual({ kind: 'other' });
  });

  it.each(['', 'null', '[]', '{}', '{"type":1}', '<xml>'])('nothing of Slack’s: %s', (payload) => {
    expect(readInteraction(payload)).toBeUndefined();
  });
});
