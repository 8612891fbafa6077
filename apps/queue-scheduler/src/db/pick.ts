import type { Tx } from '@lineclear/kit';
import { holdersOf, scopeOf, type Holder } from '../domain/holders.js';
import { pick as policy, takingsOf, type Taking, type Waiting } from '../domain/pick.js';
import { quotasOf, waitsUntil, withClaimed, NOTHING_USED, type Load } from '../domain/quotas.js';
import { hold, markLanesFull, MAY_GO, type LaneKey } from './lanes.repo.js';
import * as quotas from './quotas.repo.js';
import type { Limits } from './slots.repo.js';
import * as usage from './usage.repo.js';

export interface Picked {
  readonly maxConcurrent: number;
  readonly userMaxConcurrent: number;
  /** In the order in which they go. */
  readonly jobIds: string[];
  /** The slots that they take. */
  readonly takings: Taking[];
  /** Whether another look may find more, with nothing having changed. */
  readonly more: boolean;
}

// Of a person's quotas the most particular one counts, and it blocks or it does not.
const PERSONAL_CEILING = `(
  select case when action = 'block' then limit_value end from quotas q
  where quota_type = 'concurrent_jobs' and limit_value is not null
    and ((scope = 'user' and subject = l.user_id::text) or (scope = 'level' and subject = l.level) or scope = 'global')
  order by array_position(array['user', 'level', 'global'], scope) limit 1)::int4`;
const ceilingOf = (scope: 'team' | 'org'): string => `(
  select limit_value from quotas q
  where scope = '${scope}' and subject = l.${scope}_id::text and quota_type = 'concurrent_jobs' and action = 'block')::int4`;
const runningOf = (scope: string): string =>
  `coalesce((select running from slots s where s.scope = '${scope}' and s.subject = l.${scope}_id), 0)`;

// From each lane that may go, in the order of their heads, the jobs its user has room for. Lanes that were not looked at
// begin after the last head that was, so nothing behind that head may go before they are looked at (next time). Marked
// lanes are not in the index: however many users are at their ceiling, none of them is looked at. A lane's head may be
// remembered as too early, never as too late; hence `place = 1`.
const PICK = `
  with house as (
    select max_concurrent, greatest(0, least($1, max_concurrent - running)) as room, user_max_concurrent, ${quotas.HAS_QUOTAS} as has_quotas
    from limits, slots where slots.scope = 'house'),
  found as materialized (
    select l.*, ${runningOf('user')} as user_running,
      least(house.user_max_concurrent, case when house.has_quotas then ${PERSONAL_CEILING} end) as user_at_most,
      case when house.has_quotas then ${runningOf('team')} end as team_running, case when house.has_quotas then ${ceilingOf('team')} end as team_at_most,
      case when house.has_quotas then ${runningOf('org')} end as org_running, case when house.has_quotas then ${ceilingOf('org')} end as org_at_most
    from house cross join lateral (
      select * from lanes l where ${MAY_GO('$2')} order by band desc, head_ord limit house.room) l),
  last as (
    select band, head_ord from found
    where (select count(*) from found) >= (select room from house) order by band, head_ord desc limit 1),
  waiting as (
    select found.*, j.id, j.ord, j.estimated_cost_usd, j.estimated_duration_seconds * j.gpus as gpu_seconds
    from found left join lateral (
      select * from jobs where user_id = found.user_id and coalesce(team_id, 0) = found.team_id and coalesce(org_id, 0) = found.org_id
        and band = found.band and state = 'queued'
      order by ord limit greatest(least(found.user_at_most - found.user_running, (select room from house)), 0)) j on true),
  placed as (
    select waiting.*, row_number() over (order by id is null, band desc, ord) as place
    from waiting where id is not null or user_running >= user_at_most),
  first as (
    select placed.* from placed left join last on true
    where id is null or place = 1 or last.band is null or placed.band > last.band
      or (placed.band = last.band and placed.ord <= last.head_ord))
  select house.max_concurrent, house.user_max_concurrent, house.room, house.has_quotas, (select count(*)::int4 from found) as lanes,
    first.id, first.user_id, first.team_id, first.org_id, first.band, first.level, first.user_running, first.user_at_most,
    first.team_running, first.team_at_most, first.org_running, first.org_at_most, first.estimated_cost_usd, first.gpu_seconds
  from house left join first on first.id is null or first.place <= house.room * $3 order by first.place`;

// So many candidates for each free slot: some of them may be in the way of each other's teams.
const CANDIDATES_PER_SLOT = 4;
const SECONDS_PER_HOUR = 3_600;

interface Row extends Limits {
  readonly room: number;
  readonly has_quotas: boolean;
  readonly lanes: number;
  readonly id: string | null;
  readonly user_id: number;
  readonly team_id: number;
  readonly org_id: number;
  readonly band: number;
  readonly level: string;
  readonly user_running: number;
  readonly user_at_most: number;
  readonly team_running: number | null;
  readonly team_at_most: number | null;
  readonly org_running: number | null;
  readonly org_at_most: number | null;
  readonly estimated_cost_usd: number;
  readonly gpu_seconds: number;
}

/** A queued job that may go, with its lane and what it costs. */
interface Candidate extends Waiting, Load, LaneKey {}

/** Who goes next, at most so many: the policy of domain/pick.ts, at a cost that does not grow with the queue. */
export async function pick(tx: Tx, atMost: number, now: Date): Promise<Picked> {
  const rows = await tx.query<Row>(PICK, [atMost, now, CANDIDATES_PER_SLOT]);
  const [first] = rows;
  if (!first) throw new Error('the table of limits is empty');
  const full = rows.filter(({ id, user_id }) => id === null && user_id !== null).map(laneOf);
  const candidates = rows.filter(({ id }) => id !== null).map(candidate);
  const taken = new Map(rows.filter(({ id }) => id !== null).flatMap(takenBy));
  const budget = first.has_quotas && candidates.length > 0 ? await budgetFor(tx, candidates, now) : undefined;
  const picked = policy(candidates, first.room, taken, budget?.affords);
  await Promise.all([markLanesFull(tx, full), hold(tx, budget?.held ?? [])]);
  const isCut = candidates.length >= first.room * CANDIDATES_PER_SLOT;
  return {
    maxConcurrent: first.max_concurrent,
    userMaxConcurrent: first.user_max_concurrent,
    jobIds: picked.map(({ id }) => id),
    takings: takingsOf(picked),
    more:
      picked.length === atMost ||
      full.length > 0 ||
      (budget?.held.length ?? 0) > 0 ||
      (picked.length > 0 && picked.length < first.room && (first.lanes >= first.room || isCut)),
  };
}

const someone = (id: number): number | null => (id === 0 ? null : id);

const laneOf = (row: Row): LaneKey => ({
  userId: row.user_id,
  teamId: someone(row.team_id),
  orgId: someone(row.org_id),
  band: row.band,
});

function candidate(row: Row): Candidate {
  const lane = laneOf(row);
  const ceilings = { user: row.user_at_most, team: row.team_at_most, org: row.org_at_most };
  return {
    ...lane,
    id: row.id ?? '',
    level: row.level,
    usd: row.estimated_cost_usd,
    gpuHours: row.gpu_seconds / SECONDS_PER_HOUR,
    holds: holdersOf(lane).map((holder) => ({
      holder,
      atMost: ceilings[scopeOf(holder)] ?? Infinity,
    })),
  };
}

const takenBy = (row: Row): [Holder, number][] => [
  [`user:${row.user_id}`, row.user_running],
  [`team:${row.team_id}`, row.team_running ?? 0],
  [`org:${row.org_id}`, row.org_running ?? 0],
];

interface Budget {
  readonly affords: (job: Candidate) => boolean;
  readonly held: (LaneKey & { readonly until: Date })[];
}

/** What quotas on money and GPU time leave for these; lanes of those who must wait for more are put into `held`. */
async function budgetFor(tx: Tx, candidates: readonly Candidate[], now: Date): Promise<Budget> {
  const all = await quotas.about(tx, quotas.subjectsOf(candidates));
  const uses = new Map(await usage.of(tx, [...new Set(candidates.flatMap(holdersOf))], now));
  const held = new Map<string, Budget['held'][number]>();
  const nameOf = ({ userId, teamId, orgId, band }: Candidate): string =>
    [userId, teamId, orgId, band].join('/');
  return {
    affords(job) {
      // Whoever is first in a lane goes first: the smaller jobs behind it wait too.
      if (held.has(nameOf(job))) return false;
      const until = waitsUntil(quotasOf(all, job), uses, job, now);
      if (until !== undefined) {
        held.set(nameOf(job), { ...job, until });
        return false;
      }
      for (const holder of holdersOf(job))
        uses.set(holder, withClaimed(uses.get(holder) ?? NOTHING_USED, job));
      return true;
    },
    get held() {
      return [...held.values()];
    },
  };
}
