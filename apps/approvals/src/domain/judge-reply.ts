import type { EventData, replyHandled, replyReceived } from '@lineclear/contracts';
import { statusAt, type ApprovalRequest } from './approval-request.js';
import { decide, type Decider } from './decide.js';
import { explainRefusal } from './explain-refusal.js';

export type Reply = EventData<typeof replyReceived>;
export type ReplyOutcome = EventData<typeof replyHandled>['outcome'];

/** One person's word on one request, by mail, once. */
export interface ReplyToken {
  readonly requestId: string;
  readonly userId: number;
  readonly round: number;
  readonly expiresAt: Date;
  readonly spentAt: Date | null;
}

/** Whose the token is, as they are now. */
export interface Answerer extends Decider {
  readonly email: string;
  /** Whether requests such as this one are theirs to decide, whatever level it asks for. */
  readonly mayDecide: boolean;
}

export interface Asked {
  readonly token: ReplyToken;
  readonly request: ApprovalRequest;
  /** Who said something in this round already. */
  readonly voted: readonly number[];
  /** Null: nobody who is active any more. */
  readonly who: Answerer | null;
}

/** Somebody's word, or what they are told instead. */
export type Judged =
  { readonly outcome: 'approved' | 'rejected'; readonly by: Answerer; readonly notes: string | null } | Told;
export interface Told {
  readonly outcome: ReplyOutcome;
  readonly message: string;
}

const MAX_WHY = 200;
const MAX_MESSAGE = 500;

/**
 * What an answer by mail comes to. Who wrote it is proven before anything else is said, as what is said goes to their
 * address; and whoever is not the person that was asked learns nothing of the request.
 */
export function judgeReply(reply: Reply, asked: Asked | undefined, now: Date): Judged {
  if (!asked) return { outcome: 'token_unknown', message: 'This answers no mail that is known here.' };
  if (reply.sender === 'unproven')
    return { outcome: 'unproven', message: 'Nothing proves who sent this answer.' };
  const { token, request, voted, who } = asked;
  if (!who || !isSameAddress(reply.from, who.email))
    return {
      outcome: 'not_the_approver',
      message:
        'The mail that this answers was not sent to this address: only whom it was sent to can answer.',
    };
  if (token.spentAt !== null)
    return { outcome: 'token_spent', message: 'This mail was answered already: nothing was changed.' };
  if (token.expiresAt <= now)
    return {
      outcome: 'token_spent',
      message: `This mail could be answered until ${token.expiresAt.toISOString()}: nothing was changed.`,
    };
  if (token.round !== request.round)
    return {
      outcome: 'token_spent',
      message: 'The requester was asked for changes after this mail was sent: nothing was changed.',
    };
  if (!who.mayDecide)
    return { outcome: 'not_allowed', message: 'You may not decide this request: nothing was changed.' };
  const decision = decide(request, who, voted, now);
  if (!decision.granted) {
    const isOver = statusAt(request, now) !== 'pending' || decision.why === 'changes requested';
    const message = `Nothing was changed: ${explainRefusal(decision.why, request, now)}.`.slice(
      0,
      MAX_MESSAGE,
    );
    return { outcome: isOver ? 'closed' : 'not_allowed', message };
  }
  const comment = commentOf(reply);
  switch (reply.verdict) {
    case 'approve':
      return { outcome: 'approved', by: who, notes: comment ?? null };
    case 'reject':
      return { outcome: 'rejected', by: who, notes: comment ?? 'rejected by mail' };
    case 'unclear': {
      const why = reply.why === undefined ? '' : ` (${reply.why.slice(0, MAX_WHY)})`;
      return {
        outcome: 'unclear',
        message: `Your answer was not understood${why}, and nothing was changed. Answer the first mail again, with APPROVE or REJECT alone on the first line.`,
      };
    }
  }
}

/** What somebody is told whose word counted, by the request as it is after it. */
export function toldOfWord(word: 'approved' | 'rejected', request: ApprovalRequest): Told {
  const job = `the job ${request.configName} of ${request.username}`;
  if (request.status === 'pending')
    return {
      outcome: 'counted',
      message: `You ${word} ${job}. That counts, and more people are needed until it is decided.`,
    };
  return {
    outcome: word,
    message: `You ${word} ${job}: ${word === 'approved' ? 'it goes on to the queue' : 'it is cancelled'}.`,
  };
}

/** Others may write anything, and Postgres takes no NUL in text. */
function commentOf({ comment }: Reply): string | undefined {
  const text = comment?.replaceAll('\u0000', '').trim();
  return text === '' ? undefined : text;
}

// Not by toLowerCase: there are other letters that become a letter of ASCII by it.
const lowerAscii = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
const isSameAddress = (one: string, other: string): boolean => lowerAscii(one) === lowerAscii(other);
