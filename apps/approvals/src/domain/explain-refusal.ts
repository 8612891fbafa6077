import { levelsOf, statusAt, type ApprovalRequest } from './approval-request.js';
import type { Refusal } from './decide.js';

/** Why a request is not decided, for whoever tried. */
export function explainRefusal(why: Refusal, request: ApprovalRequest, now: Date): string {
  switch (why) {
    case 'already decided':
      return `the request is ${statusAt(request, now)} already${request.reviewedBy === null ? '' : `, by ${request.reviewedBy}`}`;
    case 'expired':
      return `the request expired at ${request.expiresAt.toISOString()}: submit the job again`;
    case 'round over':
      return 'this asked for a word before changes were asked for: the newer message of the request is the one to answer';
    case 'stage over':
      return 'this asked for a word on a stage that is over: others are asked now';
    case 'self-approval':
      return 'nobody decides their own request; to take it back, cancel it';
    case 'changes requested':
      return 'changes were asked for: the requester is to answer first';
    case 'voted already':
      return 'you decided on this request already: others are needed';
    case 'level too low':
      return `this request needs someone of level ${levelsOf(request).join(' and ')} or above`;
    case 'not of the team':
      return `this request needs someone of team ${request.stages[request.stage]!.team_id}`;
  }
}
