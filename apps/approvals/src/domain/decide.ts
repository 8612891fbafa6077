import { reaches, type Level } from '@lineclear/contracts';
import { levelsOf, statusAt, type ApprovalRequest } from './approval-request.js';

export interface Decider {
  readonly userId: number;
  readonly username: string;
  readonly level: Level;
  /** The levels that are not above theirs. */
  readonly reaches: readonly Level[];
  readonly teamIds: readonly number[];
}

export type Refusal =
  | 'already decided'
  | 'expired'
  | 'changes requested'
  | 'self-approval'
  | 'voted already'
  | 'level too low'
  | 'not of the team';
export type Decision = { readonly granted: true } | { readonly granted: false; readonly why: Refusal };
type Open = Pick<ApprovalRequest, 'status' | 'expiresAt'>;
type Decidable = Open & Pick<ApprovalRequest, 'userId' | 'awaits' | 'stages' | 'stage'>;

const refused = (why: Refusal): Decision => ({ granted: false, why });

/** May this person decide this request, either way, now? Nobody decides their own, and nobody twice in a round: `voted` are who has. */
export function decide(request: Decidable, by: Decider, voted: readonly number[], now: Date): Decision {
  const open = stillOpen(request, now);
  if (!open.granted) return open;
  if (request.userId === by.userId) return refused('self-approval');
  if (request.awaits === 'requester') return refused('changes requested');
  if (voted.includes(by.userId)) return refused('voted already');
  if (!levelsOf(request).every((level) => reaches(by, level))) return refused('level too low');
  const teamId = request.stages[request.stage]!.team_id;
  if (teamId !== undefined && !by.teamIds.includes(teamId)) return refused('not of the team');
  return { granted: true };
}

/** Whether the request waits for anyone at all: the only thing to ask before it is withdrawn. */
export function stillOpen(request: Open, now: Date): Decision {
  const status = statusAt(request, now);
  if (status === 'pending') return { granted: true };
  return refused(status === 'expired' ? 'expired' : 'already decided');
}
