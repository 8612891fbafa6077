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
import { RECOUNT } from './recount.js';

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
export const recount = ({ service }: House): Promise<object[]> => service.database.query<object>(RECOUNT);

/** Takes everything out of the queue, and all that was counted of it. */
export async function emptyQueue({ service: { database } }: House): Promise<void> {
  // What the test before left the service to do may hold some of these tables: whoever waits for the other gives way.
  await vi.waitFor(() =>
    database.query(
      'truncate jobs, dependencies, lanes, branches, shares, pools, pool_limits, ledger, submissions, idempotency_keys, usage, quotas, quotas_told, provider_spend, costs_told',
    ),
  );
  await database.query(`delete from slots where scope <> 'house'`);
  await database.query('update slots set running = 0');
}
