import { reaches, type Level } from '@lineclear/contracts';
import { statusAt, type ApprovalRequest } from './approval-request.js';

export interface Decider {
  readonly userId: number;
  readonly username: string;
  readonly level: Level;
  /** The levels that are not above theirs. */
  readonly reaches: readonly Level[];
}

export type Refusal = 'already decided' | 'expired' | 'self-approval' | 'level too low';
export type Decision = { readonly granted: true } | { readonly granted: false; readonly why: Refusal };
type Decidable = Pick<ApprovalRequest, 'status' | 'expiresAt' | 'userId' | 'requiredLevel' | 'alsoLevels'>;

const refused = (why: Refusal): Decision => ({ granted: false, why });

/** May this person decide this request, either way, now? Nobody decides their own. */
export function decide(request: Decidable, by: Decider, now: Date): Decision {
  const open = stillOpen(request, now);
  if (!open.granted) return open;
  if (request.userId === by.userId) return refused('self-approval');
  const levels = [request.requiredLevel, ...request.alsoLevels];
  if (!levels.every((level) => reaches(by, level))) return refused('level too low');
  return { granted: true };
}

/** Whether the request waits for anyone at all: the only thing to ask before it is withdrawn. */
export function stillOpen(request: Pick<Decidable, 'status' | 'expiresAt'>, now: Date): Decision {
  const status = statusAt(request, now);
  if (status === 'pending') return { granted: true };
  return refused(status === 'expired' ? 'expired' : 'already decided');
}
