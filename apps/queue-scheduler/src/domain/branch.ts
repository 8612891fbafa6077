import { compareRanks, type Rank, type Waiting } from './choice.js';
import type { Sorted } from './sorted.js';

/** The jobs of one lane that are here, the first one first. */
export interface Lane<J> {
  readonly name: string;
  readonly branch: Branch<J>;
  readonly jobs: J[];
}
export interface Branch<J> {
  readonly name: string;
  readonly parent: Branch<J> | undefined;
  /** Of what it used; empty for the band's own. */
  readonly key: string;
  /** Whose slots tell whether it borrows. */
  readonly holder: string;
  rank: Rank;
  readonly children: Map<string, Branch<J>>;
  /** Them in their order; not there until somebody asks for it. */
  order: Sorted<Branch<J>> | undefined;
  /** The leaves are lanes: of each user of a team one for each pool. */
  lane: Lane<J> | undefined;
}

export const byRank = <J>(one: Branch<J>, other: Branch<J>): number => compareRanks(one.rank, other.rank);
export const byAge = <J extends Waiting>({ jobs: [one] }: Lane<J>, { jobs: [other] }: Lane<J>): number =>
  (one?.queuedAtMs ?? Infinity) - (other?.queuedAtMs ?? Infinity) || (one?.ord ?? 0) - (other?.ord ?? 0);

export const emptyBranch = <J>(
  name: string,
  parent: Branch<J> | undefined,
  key: string,
  holder: string,
): Branch<J> => ({
  name,
  parent,
  key,
  holder,
  rank: [0, 0, 0],
  children: new Map(),
  order: undefined,
  lane: undefined,
});
