import type { ApprovalRequest, Via } from './approval-request.js';

/** One person's word on a request, in one round. */
export interface Vote {
  readonly requestId: string;
  readonly round: number;
  /** Of the stage it counted in, from 0. */
  readonly stage: number;
  readonly userId: number;
  readonly username: string;
  /** Who is away and in whose place it was said. */
  readonly inPlaceOf: { readonly userId: number; readonly username: string } | null;
  readonly approves: boolean;
  readonly notes: string | null;
  readonly via: Via;
  readonly at: Date;
}

/** Whose word is in, in the round that the request is in: those who said it, and those in whose place. */
export const votedIn = ({ id, round }: ApprovalRequest, votes: readonly Vote[]): readonly number[] =>
  votes
    .filter((vote) => vote.requestId === id && vote.round === round)
    .flatMap(({ userId, inPlaceOf }) => [userId, ...(inPlaceOf ? [inPlaceOf.userId] : [])]);

/** What the votes of a round make of a request: an end, the next stage, or it waits for more. */
export type Tally = 'approved' | 'rejected' | 'next stage' | 'waits';

type Staged = Pick<ApprovalRequest, 'stages' | 'stage' | 'rejections'>;
type Counted = Pick<Vote, 'stage' | 'approves'>;

/** Yes counts in the stage in which it was said, no in all of the round. */
export function tally(request: Staged, votes: readonly Counted[]): Tally {
  if (votes.filter(({ approves }) => !approves).length >= request.rejections) return 'rejected';
  if (stillNeeded(request, votes) > 0) return 'waits';
  return request.stage + 1 < request.stages.length ? 'next stage' : 'approved';
}

/** How many more have to say yes in the stage that the request is in. */
export function stillNeeded({ stages, stage }: Staged, votes: readonly Counted[]): number {
  const given = votes.filter((vote) => vote.approves && vote.stage === stage).length;
  return Math.max(0, (stages[stage]?.approvals ?? 1) - given);
}
