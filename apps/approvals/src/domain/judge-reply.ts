import type { EventData, replyReceived } from '@lineclear/contracts';
import type { ApprovalRequest } from './approval-request.js';
import { judgeAsked, type Answerer, type Asked, type Told } from './judge-asked.js';

export type Reply = EventData<typeof replyReceived>;

/** Somebody's word, or what they are told instead. */
export type Judged =
  { readonly outcome: 'approved' | 'rejected'; readonly by: Answerer; readonly notes: string | null } | Told;
const MAX_WHY = 200;

/**
 * What an answer by mail comes to. Who wrote it is proven before anything else is said, as what is said goes to their
 * address; and whoever is not the person that was asked learns nothing of the request.
 */
export function judgeReply(reply: Reply, asked: Asked | undefined, now: Date): Judged {
  if (!asked) return { outcome: 'token_unknown', message: 'This answers no mail that is known here.' };
  if (reply.sender === 'unproven')
    return { outcome: 'unproven', message: 'Nothing proves who sent this answer.' };
  const { who } = asked;
  if (!who || !isSameAddress(reply.from, who.email))
    return {
      outcome: 'not_the_approver',
      message:
        'The mail that this answers was not sent to this address: only whom it was sent to can answer.',
    };
  const refusal = judgeAsked(asked, who, now);
  if (refusal) return refusal;
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
