import type { EventData, replyHandled } from '@lineclear/contracts';
import type { ApprovalRequest } from './approval-request.js';
import { decide, stillAsked, type AskedFor, type Decider, type Refusal } from './decide.js';
import { explainRefusal } from './explain-refusal.js';

export type ReplyOutcome = EventData<typeof replyHandled>['outcome'];

export type TokenKind = 'reply' | 'link';

/** What a mail carries: it lets one person decide one request once, by answering or by its link. */
export interface MailToken {
  readonly requestId: string;
  readonly userId: number;
  readonly asked: AskedFor;
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
  readonly token: MailToken;
  readonly request: ApprovalRequest;
  /** Who said something in this round already. */
  readonly voted: readonly number[];
  /** Null: nobody who is active any more. */
  readonly who: Answerer | null;
}

/** What somebody is told, and of what kind that is. */
export interface Told {
  readonly outcome: ReplyOutcome;
  readonly message: string;
}

const MAX_MESSAGE = 500;
const OUTCOMES: Readonly<Record<Refusal, ReplyOutcome>> = {
  'already decided': 'closed',
  expired: 'closed',
  'changes requested': 'closed',
  'round over': 'token_spent',
  'stage over': 'token_spent',
  'self-approval': 'not_allowed',
  'voted already': 'not_allowed',
  'level too low': 'not_allowed',
  'not of the team': 'not_allowed',
};

/** Why whom a mail asked cannot decide by it; undefined where they can. */
export function judgeAsked({ token, request, voted }: Asked, who: Answerer, now: Date): Told | undefined {
  if (token.spentAt !== null)
    return { outcome: 'token_spent', message: 'This mail was answered already: nothing was changed.' };
  if (token.expiresAt <= now)
    return {
      outcome: 'token_spent',
      message: `This mail could be answered until ${token.expiresAt.toISOString()}: nothing was changed.`,
    };
  if (!who.mayDecide)
    return { outcome: 'not_allowed', message: 'You may not decide this request: nothing was changed.' };
  const still = stillAsked(request, token.asked, now);
  const decision = still.granted ? decide(request, who, voted, now) : still;
  if (decision.granted) return undefined;
  const message = `Nothing was changed: ${explainRefusal(decision.why, request, now)}.`;
  return { outcome: OUTCOMES[decision.why], message: message.slice(0, MAX_MESSAGE) };
}
