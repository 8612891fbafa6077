import { compareRanks, keysOf, type Hold, type Rank } from './choice.js';
import { windowFor, type Prospect } from './snapshot.js';
import type { Step } from './simulate.js';
import { usedAt } from './share.js';

export const WHYS = [
  'band',
  'own_slots',
  'share',
  'first_in',
  'limit',
  'maintenance',
  'budget',
  'overdue',
] as const;
/** The first thing that decides that one job starts before another, as it is when it starts. */
export interface Why {
  readonly reason: (typeof WHYS)[number];
  /** Of whose slots or share it is. */
  readonly of: 'org' | 'team' | 'user' | null;
  /** The limit, or the maintenance, that keeps the other one. */
  readonly limit: string | null;
  readonly figures: Readonly<Record<string, number>>;
  readonly text: string;
}

const SCOPES = ['org', 'team', 'user'] as const;
const NAMES = { org: 'organisation', team: 'team', user: 'owner' } as const;

/** Why this job starts now and the other one, which is in the queue too, does not. */
export function whyBefore(step: Step, other: Prospect): Why {
  const { job, isOverdue, line } = step;
  const { atMs, policy } = line.moment;
  const window = windowFor(other, atMs);
  if (window)
    return {
      ...why('maintenance', 'the other one would run into maintenance', { until_ms: window.endsAtMs }),
      limit: `maintenance:${window.id}`,
    };
  if ((other.heldUntilMs ?? 0) > atMs)
    return why('budget', 'a quota leaves no money for the other one', {
      held_until_ms: other.heldUntilMs ?? 0,
    });
  // What is held stands in no order.
  const inOrder = byOrder(step, other);
  if (inOrder) return inOrder;
  const full = other.holds.find(({ holder, takes, atMost }) => line.takenOf(holder) + takes > atMost);
  if (full) return byLimit(full, line.takenOf(full.holder));
  if (isOverdue)
    return why(
      'overdue',
      `it waited too long: every ${policy.guardEvery}th start is that of the oldest such job`,
      {
        waited_seconds: Math.round((atMs - job.queuedAtMs) / 1_000),
        other_waited_seconds: Math.round((atMs - other.queuedAtMs) / 1_000),
        threshold_seconds: policy.starvationThresholdSeconds,
        guard_every: policy.guardEvery,
      },
    );
  return firstIn(job, other, 'the other one stands behind jobs of its owner that cannot start');
}

/** What puts it before the other one where both may start; undefined where the order is the other way round. */
function byOrder({ job, line }: Step, other: Prospect): Why | undefined {
  if (job.band !== other.band)
    return job.band > other.band
      ? why('band', 'its priority is higher', { band: job.band, other_band: other.band })
      : undefined;
  const [ranks, otherRanks] = [line.ranksOf(job), line.ranksOf(other)];
  const [keys, otherKeys] = [keysOf(job), keysOf(other)];
  for (const [depth, of] of SCOPES.entries()) {
    if (keys[depth] === otherKeys[depth]) continue;
    const [rank, otherRank] = [ranks[depth] ?? NO_RANK, otherRanks[depth] ?? NO_RANK];
    return compareRanks(rank, otherRank) < 0
      ? byRank(of, rank, otherRank, job, other, line.moment.halfLives)
      : undefined;
  }
  return job.ord < other.ord ? firstIn(job, other, 'both are of one owner, and it came first') : undefined;
}

const NO_RANK: Rank = [0, 0, 0];

function byRank(
  of: 'org' | 'team' | 'user',
  [borrows, used, ord]: Rank,
  [otherBorrows, otherUsed, otherOrd]: Rank,
  job: Prospect,
  other: Prospect,
  halfLives: number,
): Why {
  const whose = NAMES[of];
  if (borrows !== otherBorrows)
    return { ...why('own_slots', `its ${whose} has slots of its own left, and the other one's has not`), of };
  const figures = {
    used_usd: rounded(usedAt(used, halfLives)),
    other_used_usd: rounded(usedAt(otherUsed, halfLives)),
  };
  if (used !== otherUsed) return { ...why('share', `its ${whose} used less of late`, figures), of };
  const text =
    of === 'user' && ord !== otherOrd
      ? `both owners used the same of late, and the jobs of its owner came first`
      : `both ${whose}s used the same of late, and one of them has to go first`;
  return { ...firstIn(job, other, text), of };
}

const byLimit = ({ holder, takes, atMost }: Hold, taken: number): Why => ({
  ...why('limit', `the other one would go beyond a limit: ${holder}`, {
    taken,
    takes,
    ...(Number.isFinite(atMost) ? { at_most: atMost } : {}),
  }),
  limit: holder,
});

const firstIn = (job: Prospect, other: Prospect, text: string): Why =>
  why('first_in', text, { place: job.ord, other_place: other.ord });

const why = (reason: Why['reason'], text: string, figures: Why['figures'] = {}): Why => ({
  reason,
  of: null,
  limit: null,
  figures,
  text,
});
const rounded = (usd: number): number => Math.round(usd * 100) / 100;
