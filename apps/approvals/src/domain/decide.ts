import { reaches, type Level } from '@lineclear/contracts';
import { levelsOf, statusAt, type ApprovalRequest } from './approval-request.js';

/** What a person may. */
export interface Rights {
  readonly userId: number;
  readonly username: string;
  readonly level: Level;
  /** The levels that are not above theirs. */
  readonly reaches: readonly Level[];
  readonly teamIds: readonly number[];
}

export interface Absent extends Rights {
  /** The organisation whose requests are theirs to decide, null for those of none; undefined where they decide those of all. */
  readonly tenant: number | null | undefined;
}

export interface Decider extends Rights {
  /** Those who are away and for whom they stand in, with what these may. */
  readonly inPlaceOf: readonly Absent[];
  /** Asked where nobody else is left, and so of every team. */
  readonly isFallback: boolean;
}

export type Refusal =
  | 'already decided'
  | 'expired'
  | 'round over'
  | 'stage over'
  | 'changes requested'
  | 'self-approval'
  | 'voted already'
  | 'level too low'
  | 'not of the team';
export type Decision =
  | { readonly granted: true; readonly inPlaceOf?: Pick<Rights, 'userId' | 'username'> }
  | { readonly granted: false; readonly why: Refusal };
type Open = Pick<ApprovalRequest, 'status' | 'expiresAt'>;
type Decidable = Open & Pick<ApprovalRequest, 'userId' | 'orgId' | 'awaits' | 'stages' | 'stage'>;

const refused = (why: Refusal): Decision => ({ granted: false, why });

/**
 * May this person decide this request, either way, now? Nobody decides their own, and nobody twice in a round: `voted` are who has.
 * What they may not themselves they may in place of somebody who could, and is away.
 */
export function decide(request: Decidable, by: Decider, voted: readonly number[], now: Date): Decision {
  const open = stillOpen(request, now);
  if (!open.granted) return open;
  if (request.userId === by.userId) return refused('self-approval');
  if (request.awaits === 'requester') return refused('changes requested');
  if (voted.includes(by.userId)) return refused('voted already');
  return inRight(request, by, voted);
}

/** Of their own right, or in place of somebody who is away. */
function inRight(request: Decidable, by: Decider, voted: readonly number[]): Decision {
  const why = lacks(request, by, by.isFallback);
  if (why === undefined) return { granted: true };
  const inPlaceOf = by.inPlaceOf.find(
    (one) =>
      one.userId !== request.userId &&
      (one.tenant === undefined || one.tenant === request.orgId) &&
      !voted.includes(one.userId) &&
      lacks(request, one, false) === undefined,
  );
  return inPlaceOf ? { granted: true, inPlaceOf } : refused(why);
}

function lacks(request: Decidable, who: Rights, isOfEveryTeam: boolean): Refusal | undefined {
  if (!levelsOf(request).every((level) => reaches(who, level))) return 'level too low';
  const teamId = request.stages[request.stage]!.team_id;
  if (teamId !== undefined && !isOfEveryTeam && !who.teamIds.includes(teamId)) return 'not of the team';
  return undefined;
}

/** What somebody was asked for: a stage, from 1, of a round. */
export interface AskedFor {
  readonly stage: number;
  readonly round: number;
}

/** Whether that is still what the request waits for. */
export function stillAsked(
  request: Open & Pick<ApprovalRequest, 'stage' | 'round'>,
  asked: AskedFor,
  now: Date,
): Decision {
  const open = stillOpen(request, now);
  if (!open.granted) return open;
  if (asked.round !== request.round) return refused('round over');
  return asked.stage === request.stage + 1 ? { granted: true } : refused('stage over');
}

/** May this person look at what the requester passed? Whoever could have decided it. */
export function mayReview(request: Decidable, by: Decider): Decision {
  return request.userId === by.userId ? refused('self-approval') : inRight(request, by, []);
}

/** Whether the request waits for anyone at all: the only thing to ask before it is withdrawn. */
export function stillOpen(request: Open, now: Date): Decision {
  const status = statusAt(request, now);
  if (status === 'pending') return { granted: true };
  return refused(status === 'expired' ? 'expired' : 'already decided');
}
