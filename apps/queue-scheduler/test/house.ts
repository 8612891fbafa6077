import {
  approvalNeed,
  evaluateJobs,
  introspect,
  runEnded,
  runStarted,
  type ApprovalNeed,
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

/** A queue-scheduler with the rest of the house played by a peer. Configs named `held…` are held by a rule. */
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
  const folk = people(peer);
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
        verdicts: jobs.map(({ job_id, config_name }) => ({
          job_id,
          approval: config_name.startsWith('held') ? NEED() : null,
        })),
      }));
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
  return house;
}

/** What the counters should be, counted anew from the jobs; differences are listed. */
export async function recount(house: House): Promise<object[]> {
  return house.service.database.query<object>(
    `with held as (select user_id, count(*) as running from jobs where state in ('dispatching', 'running', 'cancelling') group by user_id),
     slot as (
       select 'slot' as what, coalesce(s.user_id, h.user_id) as user_id, s.running as kept, coalesce(h.running, 0) as counted
       from (select user_id, running from slots where user_id > 0) s full join held h using (user_id)
       union all select 'house', 0, (select running from slots where user_id = 0), (select coalesce(sum(running), 0) from held)),
     queued as (select user_id, band, count(*) as queued, min(ord) as head from jobs where state = 'queued' group by user_id, band),
     lane as (
       select 'lane' as what, user_id, coalesce(l.queued, 0) as kept, coalesce(q.queued, 0) as counted, l.head_ord, q.head
       from lanes l full join queued q using (user_id, band))
     select what, user_id, kept, counted from slot where coalesce(kept, 0) <> counted
     union all select what, user_id, kept, counted from lane where kept <> counted or head_ord > head`,
  );
}
