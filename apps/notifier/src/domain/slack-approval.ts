import { APPROVE, askedText, MAX_REASON, REASON, REJECT, type Asked } from './slack-interaction.js';
import { slackMessageOf, slackText, type SlackMessage } from './slack-message.js';
import { shortened, type Telling } from './telling.js';

/** How a request ended, and by whom, where that was somebody. */
export interface Outcome {
  readonly status: 'approved' | 'rejected' | 'expired' | 'cancelled';
  readonly at: string;
  readonly by?: string | undefined;
  readonly via?: string | undefined;
  readonly reason?: string | undefined;
}

const button = (action: string, text: string, style: string, asked: Asked): object => ({
  type: 'button',
  action_id: action,
  text: { type: 'plain_text', text },
  style,
  // What it is about, and no right to anything: that is whoever presses it.
  value: askedText(asked),
});

/** The message that asks for a decision, with the buttons that give it. */
export function askingMessage(telling: Telling, asked: Asked): SlackMessage {
  const { text, blocks } = slackMessageOf(telling);
  const elements = [button(APPROVE, 'Approve', 'primary', asked), button(REJECT, 'Reject', 'danger', asked)];
  return { text, blocks: [...blocks, { type: 'actions', elements }] };
}

const WAYS: Readonly<Record<string, string>> = { slack: 'in Slack', email: 'by mail', link: 'by a link' };
const TITLES: Readonly<Record<Outcome['status'], string>> = {
  approved: 'Approved',
  rejected: 'Rejected',
  expired: 'Expired: nobody decided in time',
  cancelled: 'Withdrawn',
};
const MAX_SHOWN_REASON = 500;

export function outcomeText({ status, at, by, via, reason }: Outcome): string {
  const whom = by === undefined ? '' : ` by ${by}`;
  const way = via === undefined ? '' : ` ${WAYS[via] ?? 'in Lineclear'}`;
  return `${TITLES[status]}${whom}${way}, ${at}${reason === undefined ? '' : `: ${shortened(reason, MAX_SHOWN_REASON)}`}`;
}

/** The same message once there is nothing left to decide: how it ended instead of the buttons. */
export function decidedMessage(telling: Telling, outcome: Outcome): SlackMessage {
  const { text, blocks } = slackMessageOf(telling);
  const ended = outcomeText(outcome);
  return {
    text: slackText(`${text} (${ended})`, 3_000),
    blocks: [...blocks, { type: 'context', elements: [{ type: 'plain_text', text: ended, emoji: false }] }],
  };
}

/** Asks for the reason, without which nothing is rejected. */
export const reasonView = (asked: Asked): object => ({
  type: 'modal',
  callback_id: REJECT,
  private_metadata: askedText(asked),
  title: { type: 'plain_text', text: 'Reject' },
  submit: { type: 'plain_text', text: 'Reject' },
  close: { type: 'plain_text', text: 'Back' },
  blocks: [
    {
      type: 'input',
      block_id: REASON,
      label: { type: 'plain_text', text: 'Why?' },
      element: { type: 'plain_text_input', action_id: REASON, multiline: true, max_length: MAX_REASON },
    },
  ],
});
