import type { Reach } from '@lineclear/access';
import type { JobFacts, JobState } from '@lineclear/contracts';
import type { Queryable, Tx } from '@lineclear/kit';
import { isInLine, type Job } from '../domain/job.js';

type Column = readonly [name: string, type: string, field: keyof Job];
/** What is written once, at the submit. */
const ASKED_FOR: readonly Column[] = [
  ['id', 'text', 'id'],
  ['user_id', 'int4', 'userId'],
  ['team_id', 'int4', 'teamId'],
  ['org_id', 'int4', 'orgId'],
  ['username', 'text', 'username'],
  ['level', 'text', 'level'],
  ['own_band', 'int2', 'ownBand'],
  ['provider', 'text', 'provider'],
  ['config_name', 'text', 'configName'],
  ['config', 'json', 'config'],
  ['estimated_duration_seconds', 'int4', 'estimatedDurationSeconds'],
  ['max_runtime_seconds', 'int4', 'maxRuntimeSeconds'],
  ['output_path', 'text', 'outputPath'],
  ['checkpoint_path', 'text', 'checkpointPath'],
  ['array_id', 'text', 'arrayId'],
  ['array_index', 'int4', 'arrayIndex'],
  ['parameters', 'json', 'parameters'],
  ['depends_on', 'json', 'dependsOn'],
  ['preemptible', 'bool', 'preemptible'],
  ['retry', 'json', 'retry'],
  ['secrets', 'json', 'secrets'],
  ['labels', 'json', 'labels'],
  ['facts', 'json', 'facts'],
  ['traceparent', 'text', 'traceparent'],
  ['submitted_at', 'timestamptz', 'submittedAt'],
];
/** What changes while the job goes its way. */
const CHANGING: readonly Column[] = [
  ['hardware', 'text', 'hardware'],
  ['cost_per_hour_usd', 'numeric', 'costPerHourUsd'],
  ['gpus', 'int4', 'gpus'],
  ['estimated_cost_usd', 'numeric', 'estimatedCostUsd'],
  ['band', 'int2', 'band'],
  ['on_hold', 'bool', 'onHold'],
  ['state', 'text', 'state'],
  ['version', 'int4', 'version'],
  ['approval', 'json', 'approval'],
  ['approved_secrets', 'json', 'approvedSecrets'],
  ['approved_by', 'json', 'approvedBy'],
  ['held_at', 'timestamptz', 'heldAt'],
  ['queued_at', 'timestamptz', 'queuedAt'],
  ['attempt', 'int4', 'attempt'],
  ['attempts', 'json', 'attempts'],
  ['unmet', 'int4', 'unmet'],
  ['not_before', 'timestamptz', 'notBefore'],
  ['claim_id', 'uuid', 'claimId'],
  ['claimed_at', 'timestamptz', 'claimedAt'],
  ['lease_until', 'timestamptz', 'leaseUntil'],
  ['started_at', 'timestamptz', 'startedAt'],
  ['cancel_requested_at', 'timestamptz', 'cancelRequestedAt'],
  ['cancelled_by', 'json', 'cancelledBy'],
  ['stopped_for', 'text', 'stoppedFor'],
  ['ended_at', 'timestamptz', 'endedAt'],
  ['end_reason', 'text', 'endReason'],
  ['message', 'text', 'message'],
  ['external_id', 'text', 'externalId'],
  ['progress', 'json', 'progress'],
  ['cost_usd', 'numeric', 'costUsd'],
];
const ALL = [...ASKED_FOR, ...CHANGING];
const NEW = [
  ...ASKED_FOR,
  ...CHANGING.filter(([name]) =>
    [
      'hardware',
      'cost_per_hour_usd',
      'gpus',
      'estimated_cost_usd',
      'band',
      'on_hold',
      'state',
      'version',
      'approval',
      'approved_secrets',
      'held_at',
      'queued_at',
      'attempt',
      'unmet',
      'claim_id',
      'claimed_at',
      'lease_until',
    ].includes(name),
  ),
];

const names = (columns: readonly Column[], prefix = ''): string =>
  columns.map(([name]) => prefix + name).join(', ');
/** `unnest($1::text[], $2::int4[], …)`. JSON goes as text: an array of json would be taken apart. */
const unnest = (columns: readonly Column[], first = 1): string =>
  `unnest(${columns.map(([, type], index) => `$${index + first}::${type === 'json' ? 'text' : type}[]`).join(', ')})`;
const values = (columns: readonly Column[], jobs: readonly Job[]): unknown[] =>
  columns.map(([, type, field]) =>
    jobs.map((job) => (type === 'json' && job[field] !== null ? JSON.stringify(job[field]) : job[field])),
  );
const cast = (columns: readonly Column[]): string =>
  columns.map(([name, type]) => `n.${name}${type === 'json' ? '::json' : ''}`).join(', ');

/** Every column under its field's name, so that a row is a job. */
const JOB = ALL.map(([name, , field]) => `${name} as "${field}"`).join(', ');

/** Where a job stands in the queue; the lower goes first. */
export interface Place {
  readonly id: string;
  readonly ord: number;
}

const INSERT_KEYS = `keys as (
  insert into idempotency_keys (user_id, key, request_sha256, job_id, created_at)
  select n.user_id, n.key, n.request_sha256, n.id, n.submitted_at from n where n.key is not null order by n.user_id, n.key
  on conflict do nothing returning job_id)`;

// Whoever is let in at once has a place too, for another attempt.
const INSERT = `with n(${names(NEW)}, key, request_sha256, in_line) as (
    select * from unnest(${unnest(NEW).slice('unnest('.length, -1)}, $${NEW.length + 1}::text[], $${NEW.length + 2}::text[], $${NEW.length + 3}::bool[])),
  ${INSERT_KEYS}
  insert into jobs (${names(NEW)}, ord, last_ord)
  select ${cast(NEW)}, case when n.in_line then nextval('queue_ord') end, case when n.claim_id is not null then nextval('queue_ord') end
  from n where n.key is null or n.id in (select job_id from keys)
  returning id, coalesce(ord, 0) as ord`;

/** A new job, and the key that its caller gave it. */
export interface NewJob {
  readonly job: Job;
  readonly key?: string | undefined;
  readonly requestSha256?: string | undefined;
}

/** Inserts new jobs with their idempotency keys; a job whose key someone else was faster to use is left out of the answer. */
export async function insert(tx: Tx, jobs: readonly NewJob[]): Promise<Place[]> {
  return tx.query<Place>(INSERT, [
    ...values(
      NEW,
      jobs.map(({ job }) => job),
    ),
    jobs.map(({ key }) => key ?? null),
    jobs.map(({ requestSha256 }) => requestSha256 ?? null),
    jobs.map(({ job }) => isInLine(job)),
  ]);
}

/** The facts of jobs that were submitted since, oldest first: ids rise with time. */
export async function factsSince(
  db: Queryable,
  since: Date,
  page: { after?: string | undefined; tenant?: number | null | undefined; limit: number },
): Promise<JobFacts[]> {
  const first = `job_${since.getTime().toString(16).padStart(12, '0')}`;
  const rows = await db.query<{ facts: JobFacts }>(
    `select facts from jobs where id > $1 and ($2::boolean or org_id is not distinct from $3::int) order by id limit $4`,
    [page.after ?? first, page.tenant === undefined, page.tenant ?? null, page.limit],
  );
  return rows.map(({ facts }) => facts);
}

const BY_ID = `select ${JOB} from jobs where id = any($1::text[])`;

export async function find(db: Queryable, ids: readonly string[]): Promise<Job[]> {
  return db.query<Job>(BY_ID, [ids]);
}

/** Reads jobs and keeps them for this transaction. */
export async function lock(tx: Tx, ids: readonly string[]): Promise<Job[]> {
  return tx.query<Job>(`${BY_ID} order by id for update`, [ids]);
}

// The ids once more, by themselves: else a plan made while the table is small reads all of it for ever after.
// Whoever comes back for another attempt has the place that it had, unless its owner held it.
const SAVE = `update jobs j set ${CHANGING.map(([name, type]) => `${name} = n.${name}${type === 'json' ? '::json' : ''}`).join(', ')},
    ord = case when n.in_line then coalesce(j.ord, case when n.attempt > 0 then j.last_ord end, nextval('queue_ord')) end,
    last_ord = case when not n.on_hold then coalesce(j.ord, j.last_ord) end
  from ${unnest(CHANGING, 3).replace('unnest(', 'unnest($1::text[], $2::bool[], ')} as n(id, in_line, ${names(CHANGING)})
  where j.id = any($1::text[]) and j.id = n.id returning j.id, coalesce(j.ord, 0) as ord`;

/** Writes what changed in jobs that are locked. */
export async function save(tx: Tx, jobs: readonly Job[]): Promise<Place[]> {
  return tx.query<Place>(SAVE, [jobs.map(({ id }) => id), jobs.map(isInLine), ...values(CHANGING, jobs)]);
}

/** Gives queued jobs, which are locked, each other's places, so that they stand in the order given. */
export async function reorder(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.query(
    `update jobs j set ord = p.ord
     from (select n.id, row_number() over (order by n.place) as nth from unnest($1::text[]) with ordinality as n(id, place)) w
     join (select ord, row_number() over (order by ord) as nth from jobs where id = any($1::text[])) p using (nth)
     where j.id = any($1::text[]) and j.id = w.id`,
    [ids],
  );
}

export interface JobFilter extends Reach {
  readonly state?: JobState | undefined;
  readonly provider?: string | undefined;
}

/** One page of jobs, the newest first, and how many there are in all. */
export async function page(
  db: Queryable,
  { userId, orgId, state, provider }: JobFilter,
  limit: number,
  before?: string,
): Promise<{ jobs: Job[]; total: number }> {
  // Only what is asked for is in the statement: a plan for "any user, or this one" reads the jobs of all.
  const wanted = [
    ['user_id', userId],
    ['org_id', orgId ?? undefined],
    ['state', state],
    ['provider', provider],
  ].filter(([, value]) => value !== undefined);
  const values = wanted.map(([, value]) => value);
  const ofNone = orgId === null ? ' and org_id is null' : '';
  const where = ['true', ...wanted.map(([column], n) => `${column} = $${n + 1}`)].join(' and ') + ofNone;
  const older = before === undefined ? '' : `and id < $${values.length + 2}`;
  const [jobs, [count]] = await Promise.all([
    db.query<Job>(
      `select ${JOB} from jobs where ${where} ${older} order by id desc limit $${values.length + 1}`,
      [...values, limit, ...(before === undefined ? [] : [before])],
    ),
    db.query<{ count: number }>(`select count(*) as count from jobs where ${where}`, values),
  ]);
  return { jobs, total: count?.count ?? 0 };
}

/** Jobs whose pause before another attempt is over. */
export async function rested(db: Queryable, now: Date, limit: number): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    'select id from jobs where not_before <= $1 and ended_at is null order by not_before limit $2',
    [now, limit],
  );
  return rows.map(({ id }) => id);
}

/** Locks jobs from which nothing was heard for too long, leaving out those someone else has in hand. */
export async function lockSilent(tx: Tx, now: Date, limit: number): Promise<Job[]> {
  return tx.query<Job>(
    `select ${JOB} from jobs where lease_until <= $1 order by lease_until limit $2 for update skip locked`,
    [now, limit],
  );
}
