import {
  approvalNeed,
  evaluateJobs,
  introspect,
  runEnded,
  runStarted,
  scanTexts,
  secretDemands,
  type ApprovalNeed,
  type SecretDemand,
} from '@lineclear/contracts';
import { newEventId } from '@lineclear/bus';
import { startService, type RunningService } from '@lineclear/kit';
import {
  client,
  connectPeer,
  people,
  startBackends,
  type Answer,
  type Backends,
  type Client,
  type Peer,
  type People,
  type Person,
} from '@lineclear/testkit';
import { vi } from 'vitest';
import type { z } from 'zod';
import { define } from '../src/app.module.js';
import type { Limits } from '../src/db/slots.repo.js';

export const NEED = (more: Partial<z.input<typeof approvalNeed>> = {}): ApprovalNeed => ({
  approval_id: newEventId(),
  rule_id: 1,
  rule_name: 'high_cost',
  reason: 'costs more than $50',
  required_level: 'lead',
  expires_at: new Date(Date.now() + 86_400_000).toISOString(),
  ...more,
});

/** A queue-scheduler with the rest of the house played by a peer. Configs named `held…` are held by a rule, and jobs whose secrets take an approval. */
export interface House {
  readonly backends: Backends;
  readonly service: RunningService;
  readonly peer: Peer;
  readonly folk: People;
  readonly env: Record<string, string>;
  as(person: Person): Client;
  submit(person: Person, more?: object): Promise<Answer>;
  /** Another replica on the same stores. */
  replica(): Promise<RunningService>;
  limits(wanted: Limits): Promise<void>;
  evaluates(): void;
  /** The secrets service, with these as the stored secrets: a value and who has it. */
  keepsSecrets(secrets?: readonly KeptSecret[]): { asked: number[] };
  /** The secrets service, with these as the secrets that take an approval, whoever asks. */
  demandsApproval(demands?: readonly SecretDemand[]): { asked: number[] };
  status(jobId: string): Promise<string>;
  row(jobId: string): Promise<Record<string, unknown>>;
  started(jobId: string): Promise<void>;
  ended(
    jobId: string,
    outcome?: 'succeeded' | 'failed' | 'cancelled' | 'refused',
    more?: object,
  ): Promise<void>;
  close(): Promise<void>;
}

export interface KeptSecret {
  readonly value: string;
  readonly name: string;
  /** Whose it is; everybody's when it is not said. */
  readonly userId?: number;
}

export const JOB = { config_name: 'tiny', config: { command: ['true'] }, hardware: 'local' };

export async function openHouse(extra: Record<string, string> = {}): Promise<House> {
  const backends = await startBackends();
  const env = await backends.envFor('queue-scheduler', {
    LINECLEAR_LOCAL_PROVIDER: 'true',
    PORT: '0',
    HOME: backends.dir,
    ...extra,
  });
  const service = await startService(define(env));
  const peer = await connectPeer(backends.nats.url);
  const folk = await people(peer);
  const replicas: RunningService[] = [];
  const as = (person: Person): Client => client(service.url, person.token);
  const boss = folk.add('admin', { username: 'boss' });
  const row = async (jobId: string): Promise<Record<string, unknown>> => {
    const [found] = await service.database.query<Record<string, unknown>>(
      'select * from jobs where id = $1',
      [jobId],
    );
    return found ?? {};
  };
  const run = async (jobId: string) => {
    const { attempt, claim_id } = await row(jobId);
    return { job_id: jobId, attempt: Number(attempt), claim_id: String(claim_id), provider: 'local' };
  };
  const house: House = {
    backends,
    service,
    peer,
    folk,
    env,
    as,
    submit: (person, more = {}) => as(person).post('/api/cloud/local/submit', { ...JOB, ...more }),
    async replica() {
      const another = await startService(define(env));
      replicas.push(another);
      return another;
    },
    async limits(wanted) {
      const answer = await as(boss).post('/api/queue/concurrency', wanted);
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    },
    evaluates() {
      peer.answer(evaluateJobs, ({ jobs }) => ({
        verdicts: jobs.map(({ job_id, config_name, secrets_needing_approval: secrets }) => ({
          job_id,
          approval: config_name.startsWith('held') || secrets ? NEED() : null,
        })),
      }));
    },
    keepsSecrets(secrets = []) {
      const asked: number[] = [];
      peer.answer(scanTexts, ({ texts }) => {
        asked.push(texts.length);
        const found = texts.flatMap(({ path, text, user_id }) =>
          secrets
            .filter(({ value }) => text.includes(value))
            .map(({ name, userId = user_id }) =>
              userId === user_id ? { path, name, scope: 'own' as const } : { path, scope: 'other' as const },
            ),
        );
        return { found };
      });
      return { asked };
    },
    demandsApproval(demands = []) {
      const asked: number[] = [];
      peer.answer(secretDemands, ({ jobs }) => {
        asked.push(jobs.length);
        return { demands: jobs.map(({ names }) => demands.filter(({ name }) => names.includes(name))) };
      });
      return { asked };
    },
    row,
    status: async (jobId) => String((await row(jobId))['state']),
    async started(jobId) {
      await peer.publish(runStarted, {
        ...(await run(jobId)),
        external_id: `x-${jobId}`,
        started_at: new Date().toISOString(),
      });
    },
    async ended(jobId, outcome = 'succeeded', more = {}) {
      await peer.publish(runEnded, {
        ...(await run(jobId)),
        outcome,
        ended_at: new Date().toISOString(),
        ...more,
      });
    },
    async close() {
      peer.stopAnswering(introspect);
      await peer.close();
      for (const replica of replicas) await replica.close();
      await service.close();
      await backends.stop();
    },
  };
  house.evaluates();
  house.keepsSecrets();
  house.demandsApproval();
  return house;
}

/** What the counters should be, counted anew from the jobs; differences are listed. */
export async function recount(house: House): Promise<object[]> {
  return house.service.database.query<object>(
    `with held as (select * from jobs where state in ('dispatching', 'running', 'cancelling')),
     holder as (
       select 'user' as scope, user_id as subject, count(*) as running from held group by 2
       union all select 'team', team_id, count(*) from held where team_id is not null group by 2
       union all select 'org', org_id, count(*) from held where org_id is not null group by 2
       union all select 'house', 0, count(*) from held),
     slot as (
       select scope as what, subject, coalesce(s.running, 0) as kept, coalesce(h.running, 0) as counted
       from slots s full join holder h using (scope, subject)),
     queued as (
       select user_id, coalesce(team_id, 0) as team_id, coalesce(org_id, 0) as org_id, band,
         provider || '/' || hardware || '/' || gpus::text as pool, count(*) as queued, min(ord) as head
       from jobs where ord is not null group by 1, 2, 3, 4, 5),
     lane as (
       select 'lane' as what, user_id, coalesce(l.queued, 0) as kept, coalesce(q.queued, 0) as counted, l.head_ord, q.head
       from lanes l full join queued q using (user_id, team_id, org_id, band, pool)),
     pool as (
       select 'pool ' || coalesce(p.provider, h.provider) as what, 0 as subject, coalesce(p.running, 0) as kept, coalesce(h.running, 0) as counted
       from pools p full join (select provider, hardware, gpus, count(*)::int4 as running from held group by 1, 2, 3) h using (provider, hardware, gpus)),
     ready as (select * from lanes where queued > 0 and not is_full and held_until is null),
     branch as (
       select 'branch' as what, place as subject, is_ready::int4 as kept,
         case when parent = -1 then exists (select from branches t where t.parent = b.place and t.band = b.band and t.pool = b.pool and t.is_ready and not t.is_full)
           else exists (select from ready l where l.team_id = b.place and l.org_id = b.parent and l.band = b.band and l.pool = b.pool) end::int4 as counted
       from branches b),
     shared as (
       select 'used' as what, l.user_id as subject, round(l.used::numeric, 6) as kept, round(s.used::numeric, 6) as counted
       from lanes l join shares s on s.key = l.org_id || '/' || l.team_id || '/' || l.user_id),
     waiting as (
       select user_id, sum(estimated_cost_usd) as usd from jobs where ended_at is null and state not in ('dispatching', 'running', 'cancelling') group by 1),
     booked as (
       select 'waiting' as what, coalesce(u.subject, w.user_id) as subject, coalesce(u.usd, 0) as kept, coalesce(w.usd, 0) as counted
       from (select subject, usd from usage where scope = 'user' and hour = 'infinity') u full join waiting w on w.user_id = u.subject)
     select what, subject, kept, counted from slot where kept <> counted
     union all select what, user_id, kept, counted from lane where kept <> counted or head_ord > head
     union all select what, subject, kept, counted from booked where kept <> counted
     union all select what, subject, kept, counted from pool where kept <> counted
     union all select what, subject, kept, counted from branch where kept <> counted
     union all select what, subject, kept, counted from shared where kept <> counted`,
  );
}

/** Takes everything out of the queue, and all that was counted of it. */
export async function emptyQueue({ service: { database } }: House): Promise<void> {
  // What the test before left the service to do may hold some of these tables: whoever waits for the other gives way.
  await vi.waitFor(() =>
    database.query(
      'truncate jobs, lanes, branches, shares, pools, pool_limits, ledger, submissions, idempotency_keys, usage, quotas, quotas_told',
    ),
  );
  await database.query(`delete from slots where scope <> 'house'`);
  await database.query('update slots set running = 0');
}
