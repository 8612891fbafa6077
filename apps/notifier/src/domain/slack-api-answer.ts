import type { AttemptResult } from './attempt.js';
import type { HttpAnswer } from './chat-answer.js';
import { readRetryAfter } from './retry.js';

/** What a call of Slack's Web API came to; `ts` is the message's id in its channel. */
export type SlackResult = AttemptResult & { readonly ts?: string | undefined; readonly code?: string };

/** The app, its token or the channel are not there any more. */
const GONE: ReadonlySet<string> = new Set([
  'account_inactive',
  'channel_not_found',
  'invalid_auth',
  'is_archived',
  'not_authed',
  'token_expired',
  'token_revoked',
]);
/** The same message would be refused again. */
const HOPELESS: ReadonlySet<string> = new Set([
  'invalid_arguments',
  'invalid_blocks',
  'invalid_blocks_format',
  'message_not_found',
  'msg_too_long',
  'no_text',
]);

/** Slack says 200 and `ok: false` to nearly all that it refuses. */
export function readSlackAnswer({ statusCode, retryAfter, text }: HttpAnswer, now: Date): SlackResult {
  const { ok, error: code, ts } = bodyOf(text);
  if (statusCode === 200 && ok === true)
    return { outcome: 'delivered', statusCode, ts: typeof ts === 'string' ? ts : undefined };
  const known = typeof code === 'string' ? code.slice(0, 100) : undefined;
  return {
    outcome:
      known === undefined
        ? 'refused'
        : GONE.has(known)
          ? 'gone'
          : HOPELESS.has(known)
            ? 'hopeless'
            : 'refused',
    statusCode,
    error: `slack answered ${statusCode}${known === undefined ? '' : ` ${known}`}`,
    retryAfterSeconds: readRetryAfter(retryAfter, now),
    ...(known === undefined ? {} : { code: known }),
  };
}

function bodyOf(text: string): { ok?: unknown; error?: unknown; ts?: unknown } {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}
