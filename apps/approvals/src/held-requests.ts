import { audited } from '@lineclear/access';
import type { Outgoing } from '@lineclear/bus';
import type { AuditActor } from '@lineclear/contracts';
import { Conflict, NotAllowed, NotFound, type Tx } from '@lineclear/kit';
import { lockRequest } from './db/requests.repo.js';
import { votesOf } from './db/votes.repo.js';
import type { ApprovalRequest } from './domain/approval-request.js';
import {
  decide,
  stillAsked,
  stillOpen,
  type AskedFor,
  type Decider,
  type Decision,
} from './domain/decide.js';
import { explainRefusal } from './domain/explain-refusal.js';
import { votedIn, type Vote } from './domain/votes.js';

/** Somebody who writes or does something to a request. */
export type Person = Pick<Decider, 'userId' | 'username'>;

/** The request, which nobody else changes until the transaction ends. @throws NotFound */
export async function lockedRequest(tx: Tx, id: string): Promise<ApprovalRequest> {
  const request = await lockRequest(tx, id);
  if (!request) throw new NotFound('approval request', id);
  return request;
}

/** The same, where it waits. @throws NotFound, Conflict */
export async function openRequest(tx: Tx, id: string, now: Date): Promise<ApprovalRequest> {
  const request = await lockedRequest(tx, id);
  refuseUnless(stillOpen(request, now), request, now);
  return request;
}

/** The same, where this person may decide it, and what they were asked for still stands, with what was said in this round. @throws NotFound, NotAllowed, Conflict */
export async function decidableRequest(
  tx: Tx,
  id: string,
  by: Decider,
  now: Date,
  asked?: AskedFor,
): Promise<{ request: ApprovalRequest; votes: readonly Vote[]; inPlaceOf: Vote['inPlaceOf'] }> {
  const [request, all] = await Promise.all([lockedRequest(tx, id), votesOf(tx, [id])]);
  if (asked) refuseUnless(stillAsked(request, asked, now), request, now);
  const votes = all.filter(({ round }) => round === request.round);
  const decision = decide(request, by, votedIn(request, votes), now);
  refuseUnless(decision, request, now);
  const { userId, username } = (decision.granted && decision.inPlaceOf) || {};
  return { request, votes, inPlaceOf: userId && username ? { userId, username } : null };
}

/** What a change of a request left, which was held and open just before: it fails only if time ran out in between. @throws Conflict */
export function held(request: ApprovalRequest | undefined): ApprovalRequest {
  if (!request) throw new Conflict('the request ended at the same moment: look again');
  return request;
}

/** What the audit log is told that was done to a request. */
export const entryOf = (
  action: string,
  { id, jobId, userId }: ApprovalRequest,
  details: Readonly<Record<string, string | number>>,
  actor?: AuditActor,
): Outgoing =>
  audited(action, {
    target: `approval/${id}`,
    details: { job_id: jobId, requested_by: userId, ...details },
    ...(actor && { actor }),
  });

/** @throws NotAllowed, Conflict */
export function refuseUnless(decision: Decision, request: ApprovalRequest, now: Date): void {
  if (decision.granted) return;
  const why = explainRefusal(decision.why, request, now);
  switch (decision.why) {
    case 'already decided':
    case 'expired':
    case 'round over':
    case 'stage over':
    case 'changes requested':
      throw new Conflict(why);
    case 'self-approval':
    case 'voted already':
    case 'level too low':
    case 'not of the team':
      throw new NotAllowed(why);
  }
}
