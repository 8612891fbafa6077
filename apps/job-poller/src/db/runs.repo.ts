import { Injectable } from '@nestjs/common';
import { newEventId } from '@lineclear/bus';
import type { Queryable } from '@lineclear/kit';
import { runKeyOf, type Claim, type ClaimedRun, type Run } from '../domain/run.js';
import { COLUMNS, MUTABLE_COLUMNS, RECORDSET, selectList } from './run-columns.js';

export interface NewRun {
  readonly id: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly createdAt: Date;
}

export interface Lease {
  readonly owner: string;
  readonly ms: number;
}

/** A step's outcome: the run as it is to be from now on, and how soon the next step is due. */
export interface StoredStep {
  readonly run: Run;
  /** Whether the step knew of a wish to stop; one that came meanwhile makes the next step due at once. */
  readonly knewStop: boolean;
  readonly nextInMs: number;
}

const RUN = selectList('r', COLUMNS);
// A webhook came while the step looked: it may have looked before that.
const HINTED_AGAIN_MS = 1_000;
const IS_FRESH = `r.state = 'intended' and r.stop_requested_at is null`;

/** All statements about runs. Due times and leases are by the database's clock, which all replicas share. */
@Injectable()
export class RunsRepo {
  /**
   * Writes the intent of each claim; gives back which were not known before. With a lease their first step is taken with it,
   * so that from the commit on the provider may be called; without one, whoever finds them due takes it. The lease begins with
   * this statement: its transaction may have begun long before.
   */
  async insertNew(
    tx: Queryable,
    claims: readonly { data: Claim; traceparent: string | undefined }[],
    lease?: Lease,
  ): Promise<NewRun[]> {
    const each = <T>(read: (claim: Claim) => T): T[] => claims.map(({ data }) => read(data));
    return tx.query(
      `insert into runs (id, job_id, attempt, claim_id, user_id, provider, config, hardware, secrets, max_runtime_seconds, output_path, run_key, traceparent, org_id, team_id, secret_uses, checkpoint_path,
                         state, submit_started_at, lease_owner, lease_token, lease_until, next_action_at)
       select c.id, c.job_id, c.attempt, c.claim_id, c.user_id, c.provider, c.config::json, c.hardware,
              array(select json_array_elements_text(c.secrets::json)), c.max_runtime_seconds, c.output_path, c.run_key, c.traceparent, c.org_id, c.team_id, c.secret_uses::json, c.checkpoint_path,
              case when l.owner is null then 'intended' else 'submitting' end, case when l.owner is not null then statement_timestamp() end,
              l.owner, case when l.owner is null then 0 else 1 end, l.until, coalesce(l.until, now())
         from unnest($1::uuid[], $2::text[], $3::int[], $4::uuid[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::int[], $11::text[], $12::text[], $13::text[], $14::int[], $15::int[], $16::text[], $17::text[])
           as c(id, job_id, attempt, claim_id, user_id, provider, config, hardware, secrets, max_runtime_seconds, output_path, run_key, traceparent, org_id, team_id, secret_uses, checkpoint_path),
         (select $18::uuid as owner, statement_timestamp() + $19 * interval '1 millisecond' as until) l
       on conflict do nothing returning id, job_id as "jobId", attempt, created_at as "createdAt"`,
      [
        claims.map(() => newEventId()),
        each((c) => c.job_id),
        each((c) => c.attempt),
        each((c) => c.claim_id),
        each((c) => c.user_id),
        each((c) => c.provider),
        each((c) => JSON.stringify(c.config)),
        each((c) => c.hardware),
        each((c) => JSON.stringify(c.secrets)),
        each((c) => c.max_runtime_seconds ?? null),
        each((c) => c.output_path ?? null),
        each((c) => runKeyOf(c.job_id, c.attempt)),
        claims.map(({ traceparent }) => traceparent ?? null),
        each((c) => c.org_id ?? null),
        each((c) => c.team_id ?? null),
        each((c) => (c.secret_uses ? JSON.stringify(c.secret_uses) : null)),
        each((c) => c.checkpoint_path ?? null),
        lease?.owner ?? null,
        lease?.ms ?? null,
      ],
    );
  }

  async find(tx: Queryable, jobId: string, attempt: number): Promise<Run | undefined> {
    const [run] = await tx.query<Run>(`select ${RUN} from runs r where job_id = $1 and attempt = $2`, [
      jobId,
      attempt,
    ]);
    return run;
  }

  /** The newest attempt of a job. */
  async latest(tx: Queryable, jobId: string): Promise<Run | undefined> {
    const [run] = await tx.query<Run>(
      `select ${RUN} from runs r where job_id = $1 order by attempt desc limit 1`,
      [jobId],
    );
    return run;
  }

  async lock(tx: Queryable, jobId: string, attempt: number): Promise<Run | undefined> {
    const [run] = await tx.query<Run>(
      `select ${RUN} from runs r where job_id = $1 and attempt = $2 for update`,
      [jobId, attempt],
    );
    return run;
  }

  /** Ends a run that no provider was called for, also under a step that has it in hand; undefined when it is no longer so. */
  async endIntended(tx: Queryable, id: string, message: string): Promise<Run | undefined> {
    const [run] = await tx.query<Run>(
      `update runs r set state = 'ended', outcome = 'cancelled', message = $2, ended_at = now(), stop_reason = 'asked', stop_requested_at = now(),
              next_action_at = null, lease_owner = null, lease_until = null, version = version + 1
        where id = $1 and state = 'intended' returning ${RUN}`,
      [id, message],
    );
    return run;
  }

  /** Notes that a run is to stop; a step is due at once, or as soon as the one under way is done. */
  async requestStop(tx: Queryable, id: string): Promise<void> {
    await tx.query(
      `update runs set stop_reason = coalesce(stop_reason, 'asked'), stop_requested_at = coalesce(stop_requested_at, now()),
              state = case when state = 'active' then 'cancelling' else state end,
              next_action_at = case when lease_until > now() then next_action_at else now() end, version = version + 1
        where id = $1 and state <> 'ended'`,
      [id],
    );
  }

  /**
   * Takes up to `limit` runs whose step is due, each for one step. The first step of a run writes, by being taken, that the
   * provider may have been called from now on.
   */
  async takeDue(
    db: Queryable,
    limit: number,
    lease: Lease,
    busyProviders: readonly string[],
  ): Promise<ClaimedRun[]> {
    return db.query(
      `with due as (
         select id from runs where next_action_at <= now() and provider <> all($4::text[])
          order by next_action_at limit $1 for update skip locked)
       update runs r set lease_owner = $2, lease_token = r.lease_token + 1,
              lease_until = now() + $3 * interval '1 millisecond', next_action_at = now() + $3 * interval '1 millisecond',
              hinted = false, state = case when ${IS_FRESH} then 'submitting' else r.state end,
              submit_started_at = case when ${IS_FRESH} then now() else r.submit_started_at end
        where r.id = any(array(select id from due))
       returning ${RUN}, case when r.state = 'submitting' then r.config end as config,
              coalesce(r.state = 'submitting' and r.submit_started_at = now(), false) as fresh,
              extract(epoch from now() - r.submit_started_at)::float8 * 1000 as "submitAgeMs"`,
      [limit, lease.owner, lease.ms, busyProviders],
    );
  }

  /** Keeps the runs whose steps are still under way. */
  async renew(db: Queryable, ids: readonly string[], lease: Lease): Promise<void> {
    await db.query(
      `update runs set lease_until = now() + $3 * interval '1 millisecond', next_action_at = now() + $3 * interval '1 millisecond'
        where id = any($1::uuid[]) and lease_owner = $2 and state <> 'ended'`,
      [ids, lease.owner, lease.ms],
    );
  }

  /**
   * Stores what steps brought; gives back the version of each run that was still the step's to change. Only a wish to stop
   * can have been added meanwhile, and a webhook have come: both are kept.
   */
  async store(tx: Queryable, steps: readonly StoredStep[], owner: string): Promise<Map<string, number>> {
    const records = steps.map(recordOf);
    const rows = await tx.query<{ id: string; version: number }>(
      `update runs r set ${MUTABLE_COLUMNS.map(([property, column]) => `${column} = p."${property}"`).join(', ')},
              state = case when p.state = 'active' and r.stop_requested_at is not null then 'cancelling' else p.state end,
              stop_reason = coalesce(r.stop_reason, p."stopReason"), stop_requested_at = coalesce(r.stop_requested_at, p."stopRequestedAt"),
              next_action_at = case when p.state = 'ended' then null
                                    when r.stop_requested_at is not null and not p."knewStop" then now()
                                    when r.hinted and p.failures = 0 then now() + least(p."nextInMs", ${HINTED_AGAIN_MS}) * interval '1 millisecond'
                                    else now() + p."nextInMs" * interval '1 millisecond' end,
              lease_owner = null, lease_until = null, version = r.version + 1
         from json_to_recordset($1::json) as p(id uuid, ${RECORDSET}, state text, "stopReason" text, "stopRequestedAt" timestamptz,
              "leaseToken" int, "knewStop" boolean, "nextInMs" float8)
        where r.id = any($3::uuid[]) and r.id = p.id and r.lease_token = p."leaseToken" and r.lease_owner = $2
       returning r.id, r.version`,
      // The ids once more, by themselves: else a plan made while the table is small reads all of it for ever after.
      [JSON.stringify(records), owner, records.map(({ id }) => id)],
    );
    return new Map(rows.map((row) => [row.id, row.version]));
  }

  /** Has a run's next step due now: something is known to have changed. */
  async hurry(tx: Queryable, runKey: string): Promise<void> {
    await tx.query(
      `update runs set next_action_at = now() where run_key = $1 and next_action_at > now() and (lease_until is null or lease_until <= now())`,
      [runKey],
    );
  }

  /** Removes up to `limit` runs that ended before a time; their logs, and what workers had of them, go with them. How many. */
  async remove(tx: Queryable, before: Date, limit: number): Promise<number> {
    const rows = await tx.query(
      `with gone as (delete from runs where id = any(array(
         select id from runs where state = 'ended' and ended_at < $1 order by ended_at limit $2 for update skip locked))
         returning run_key),
       tasks as (delete from worker_tasks where run_key in (select run_key from gone))
       select run_key from gone`,
      [before, limit],
    );
    return rows.length;
  }

  /** How many runs there are that have not ended, by provider and state. */
  async countOpen(db: Queryable): Promise<{ provider: string; state: string; count: number }[]> {
    return db.query(
      `select provider, state, count(*) as count from runs where next_action_at is not null group by 1, 2`,
    );
  }
}

/** What `store` needs of a step, and no more: it is sent for every step. */
function recordOf({ run, knewStop, nextInMs }: StoredStep): Record<string, unknown> {
  const { id, state, stopReason, stopRequestedAt, leaseToken } = run;
  const record: Record<string, unknown> = {
    id,
    state,
    stopReason,
    stopRequestedAt,
    leaseToken,
    knewStop,
    nextInMs,
  };
  for (const [property] of MUTABLE_COLUMNS) if (run[property] !== null) record[property] = run[property];
  return record;
}
