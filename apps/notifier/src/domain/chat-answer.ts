import type { AttemptResult } from './attempt.js';
import type { ChatType } from './channel.js';
import { readRetryAfter } from './retry.js';

export interface HttpAnswer {
  readonly statusCode: number;
  /** Of its header. */
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** The hook, or what it wrote to, is not there any more: each platform says so in its own way. */
const IS_GONE: Readonly<Record<ChatType, (answer: HttpAnswer) => boolean>> = {
  // no_service, no_team, channel_not_found; channel_is_archived; and what Slack says of a hook that was revoked.
  slack: ({ statusCode, text }) =>
    statusCode === 404 || statusCode === 410 || (statusCode === 403 && text.trim() === 'invalid_token'),
  teams: ({ statusCode }) => statusCode === 404 || statusCode === 410,
  // Unknown webhook; and one whose token is another now.
  discord: ({ statusCode }) => statusCode === 404 || statusCode === 401,
};

const TOO_LARGE = 413;

/** What a platform's answer says of the message, and of its hook. */
export function judgeChatAnswer(type: ChatType, answer: HttpAnswer, now: Date): AttemptResult {
  const { statusCode } = answer;
  if (statusCode >= 200 && statusCode < 300) return { outcome: 'delivered', statusCode };
  const error = `${type} answered ${statusCode}`;
  if (IS_GONE[type](answer)) return { outcome: 'gone', statusCode, error: `${error}: this hook is gone` };
  // The same message would be refused again. A workflow of Teams says 400 also while somebody has it switched off.
  if (statusCode === TOO_LARGE || (statusCode === 400 && type !== 'teams'))
    return { outcome: 'hopeless', statusCode, error };
  const retryAfterSeconds = readRetryAfter(answer.retryAfter, now) ?? retryAfterIn(answer.text);
  return { outcome: 'refused', statusCode, error, retryAfterSeconds };
}

/** Discord says it in its body, to the millisecond. */
function retryAfterIn(text: string): number | undefined {
  try {
    const { retry_after: seconds } = JSON.parse(text) as { retry_after?: unknown };
    return typeof seconds === 'number' && seconds >= 0 ? seconds : undefined;
  } catch {
    return undefined;
  }
}
