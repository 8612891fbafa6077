import {
  approvalEscalated,
  approvalGranted,
  approvalReminder,
  approvalStageStarted,
  decideForJob,
} from '@lineclear/contracts';
import { expect, it, vi } from 'vitest';
import { AT, PATIENT, pressing, slackApp, window, type Asked } from './slack-app.js';

const app = slackApp();

// oxlint-disable-next-line typescript/no-explicit-any -- of Slack's, which has every shape
type Message = any;
const titled = (about: Asked, title: string): Message =>
  app.messagesAbout(about).find(({ text }: Message) => text.startsWith(title));
const shown = (about: Asked, title: string): Promise<Message> =>
  vi.waitFor(() => {
    const message = titled(about, title);
    expect(message, title).toBeDefined();
    return message;
  }, PATIENT);
/** What each button of a message carries. */
const carriedBy = ({ blocks }: Message): string[] =>
  blocks
    .flatMap(({ elements = [] }: Message) => elements)
    .filter(({ action_id }: Message) => action_id !== undefined)
    .map(({ value }: Message) => value);
/** What approvals says of a word on something that is over. */
const refuses = (message: string): void =>
  app.house.peer.answer(decideForJob, (asked) => {
    app.decisions.push(asked);
    return { refused: { why: 'conflict' as const, message } };
  });

const first = { stage: 1, round: 1 };
const escalated = (about: Asked) => ({ ...about, cause: 'time' as const, ask: [9] });
const next = (about: Asked, stage: number, round: number, cause: 'stage' | 'round') => ({
  ...about,
  stage,
  round,
  cause,
});

it('asks by buttons wherever somebody is asked, each for the stage and the round that it asks of', async () => {
  const about = await app.asked(first);
  await app.house.peer.publish(approvalReminder, { ...about, number: 1 });
  await app.house.peer.publish(approvalStageStarted, next(about, 2, 1, 'stage'));
  await app.house.peer.publish(approvalEscalated, escalated({ ...about, stage: 2 }));
  const slackUser = await app.linked(about);
  for (const [title, step] of [
    ['Approval required', first],
    ['Approval still required', first],
    ['Approval goes on', { stage: 2, round: 1 }],
    ['Approval escalated', { stage: 2, round: 1 }],
  ] as const) {
    const [approve, reject] = carriedBy(await shown(about, title));
    await app.send(pressing('approve', approve!, slackUser));
    await app.tells(slackUser, 'You approved it');
    expect(app.decisions.at(-1), title).toMatchObject({
      approval_id: about.approval_id,
      job_id: about.job_id,
      status: 'approved',
      asked: step,
    });
    await app.send(pressing('reject', reject!, slackUser));
    const { private_metadata } = app.slack.of('views.open').at(-1).view;
    expect((await app.send(window(private_metadata, slackUser, 'dear'))).body).toEqual({
      response_action: 'clear',
    });
    expect(app.decisions.at(-1), title).toMatchObject({ status: 'rejected', notes: 'dear', asked: step });
  }
});

it('shows on every message of a request how it ended, and no button on any', async () => {
  const about = await app.asked(first);
  await app.house.peer.publish(approvalReminder, { ...about, number: 1 });
  await app.house.peer.publish(approvalStageStarted, next(about, 2, 1, 'stage'));
  await app.house.peer.publish(approvalEscalated, escalated({ ...about, stage: 2 }));
  await vi.waitFor(() => expect(app.messagesAbout(about)).toHaveLength(4), PATIENT);
  const { approval_id, job_id } = about;
  const decision = { by_user_id: 2, by: 'lea', via: 'slack' as const, at: AT };
  await app.house.peer.publish(approvalGranted, { approval_id, job_id, ...decision });
  await vi.waitFor(() => {
    const messages = app.messagesAbout(about);
    expect(messages).toHaveLength(4);
    for (const message of messages) {
      expect(JSON.stringify(message.blocks)).toContain('Approved by lea in Slack');
      expect(carriedBy(message)).toEqual([]);
    }
  }, PATIENT);
  // What comes late shows it too.
  await app.house.peer.publish(approvalReminder, { ...about, stage: 2, number: 2 });
  await vi.waitFor(() => {
    const messages = app.messagesAbout(about);
    expect(messages).toHaveLength(5);
    for (const message of messages) expect(carriedBy(message)).toEqual([]);
  }, PATIENT);
});

it.each([
  ['of a stage that is over', 'Approval required', 'a stage that is over', first],
  ['of an earlier round', 'Approval goes on', 'before changes were asked for', { stage: 2, round: 1 }],
] as const)(
  'says to whoever presses a button %s why it decides nothing, alone',
  async (_, title, why, step) => {
    const about = await app.asked(first);
    await app.house.peer.publish(approvalStageStarted, next(about, 2, 1, 'stage'));
    const stale = await shown(about, title);
    const slackUser = await app.linked(about);
    await app.house.peer.publish(approvalStageStarted, next(about, 1, 2, 'round'));
    await vi.waitFor(() => expect(app.messagesAbout(about)).toHaveLength(3), PATIENT);
    const [approve, reject] = carriedBy(stale);
    const posted = app.slack.of('chat.postMessage').length;
    refuses(`this asked for ${why}`);
    await app.send(pressing('approve', approve!, slackUser));
    await app.tells(slackUser, `Nothing was decided: this asked for ${why}`);
    expect(app.decisions.at(-1)).toMatchObject({ asked: step });
    await app.send(pressing('reject', reject!, slackUser));
    const { private_metadata } = app.slack.of('views.open').at(-1).view;
    expect((await app.send(window(private_metadata, slackUser, 'dear'))).body).toEqual({
      response_action: 'errors',
      errors: { reason: `Nothing was decided: this asked for ${why}.` },
    });
    expect(app.decisions.at(-1)).toMatchObject({ status: 'rejected', asked: step });
    // Nobody else saw it, and nothing shows an end that did not come.
    expect(app.slack.of('chat.postMessage')).toHaveLength(posted);
    for (const message of app.messagesAbout(about)) expect(carriedBy(message)).toHaveLength(2);
  },
);
