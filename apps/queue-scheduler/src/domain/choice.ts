import type { FairPolicy, Path } from './share.js';

/** What a job takes while it has a slot: so many of it, of as many as there may be taken at once. */
export interface Hold {
  readonly holder: string;
  readonly takes: number;
  readonly atMost: number;
}
/** How much is taken of each. */
export type Taken = ReadonlyMap<string, number>;

/** Where jobs of one person, band and pool wait. */
export interface Place extends Path {
  /** The higher goes first. */
  readonly band: number;
  /** Where they want to run: what is full there must not hide others. */
  readonly pool: string;
}

/** A queued job. Those of one lane wait in the order of `ord`. */
export interface Waiting extends Place {
  readonly id: string;
  readonly ord: number;
  readonly queuedAtMs: number;
  readonly charge: number;
  readonly holds: readonly Hold[];
}

/** Among brothers the lower goes first: who is within what is his own, then who used least, then who is first. */
export type Rank = readonly [borrows: number, key: number, ord: number];
export const compareRanks = (one: Rank, other: Rank): number =>
  one[0] - other[0] || one[1] - other[1] || one[2] - other[2];

/** What there is to choose from: the whole queue, or as much of its beginning as was read. */
export interface Choice<J extends Waiting> {
  readonly jobs: readonly J[];
  readonly taken: Taken;
  /** What orgs, teams and users used (domain/share.ts), by `keysOf`; 0 for who is not in it. */
  readonly used: ReadonlyMap<string, number>;
  /** How many slots are an org's or a team's own, by holder; beyond them it borrows, and goes after those that do not. */
  readonly nominal: ReadonlyMap<string, number>;
  /** By the name of a branch: children of it that are not here rank no lower than this. Where it is not said all are here. */
  readonly cuts?: ReadonlyMap<string, Rank>;
  /** Lanes of which no job may go, so that none is here. They were read in the place of others, to which the cuts apply. */
  readonly fullLanes?: readonly Place[];
  /** Names of lanes that have more jobs behind those that are here. */
  readonly cutLanes?: ReadonlySet<string>;
  /** Where not all lanes are here: the oldest overdue job, or null for none. */
  readonly overdue?: J | null;
}

/** When, by which rules, and after how many decisions. */
export interface Moment {
  readonly atMs: number;
  readonly halfLives: number;
  readonly policy: FairPolicy;
  readonly decisions: number;
}

/** Of its org, its team and its user. */
export const keysOf = ({ org, team, user }: Path): [org: string, team: string, user: string] => [
  `${org}`,
  `${org}/${team}`,
  `${org}/${team}/${user}`,
];
/** The name of a branch of the queue: a band, or what of it is an org's, a team's or a user's. */
export const branchName = (band: number, key?: string): string =>
  key === undefined ? `${band}` : `${band}:${key}`;
export const laneName = (place: Place): string => `${branchName(place.band, keysOf(place)[2])} ${place.pool}`;

export const hasRoom = ({ holds }: Pick<Waiting, 'holds'>, taken: Taken): boolean =>
  holds.every(({ holder, takes, atMost }) => (taken.get(holder) ?? 0) + takes <= atMost);

/** Takes what a job takes. */
export const add = ({ holds }: Pick<Waiting, 'holds'>, taken: Map<string, number>): void => {
  for (const { holder, takes } of holds) taken.set(holder, (taken.get(holder) ?? 0) + takes);
};
