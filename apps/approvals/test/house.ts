import { randomBytes, randomUUID } from 'node:crypto';
import {
  evaluateJobs,
  jobSubmitted,
  type ApprovalNeed,
  type EventData,
  type JobFacts,
} from '@lineclear/contracts';
import { Clock, startService, type RunningService } from '@lineclear/kit';
import {
  client,
  connectPeer,
  people,
  pendingEvents,
  startBackends,
  type Backends,
  type Client,
  type Peer,
  type People,
  type Person,
} from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest';
import { define } from '../src/app.module.js';

/** The real time, moved on by a test. */
export class MovableClock extends Clock {
  #aheadMs = 0;

  override now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }

  advanceHours(hours: number): void {
    this.#aheadMs += hours * 3_600_000;
  }
}

export interface House {
  readonly backends: Backends;
  readonly env: Readonly<Record<string, string>>;
  readonly clock: MovableClock;
  readonly peer: Peer;
  readonly folk: People;
  service: RunningService;
  boot(): Promise<RunningService>;
  as(person: Person): Client;
  /** Waits until the service has handled every event so far. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export async function openHouse(extra: Record<string, string> = {}): Promise<House> {
  const backends = await startBackends();
  // Expiry comes when a test moves the clock, so the tick can be quick.
  const env = await backends.envFor('approvals', { APPROVAL_EXPIRY_TICK_SECONDS: '0.3', ...extra });
  const clock = new MovableClock();
  const boot = (): Promise<RunningService> => startService(define(env, { clock }));
  const service = await boot();
  const peer = await connectPeer(backends.nats.url);
  const house: House = {
    backends,
    env,
    clock,
    peer,
    folk: await people(peer),
    service,
    boot,
    as: (person) => client(house.service.url, person.token),
    settled: () =>
      vi.waitFor(async () => expect(await pendingEvents(backends.nats.url, 'approvals')).toBe(0), {
        timeout: 20_000,
      }),
    async close() {
      await peer.close();
      await house.service.close();
      await backends.stop();
    },
  };
  return house;
}

export const newJobId = (): string => `job_${randomBytes(16).toString('hex')}`;

export const factsOf = (jobId: string, more: Partial<JobFacts> = {}): JobFacts => ({
  job_id: jobId,
  user_id: 900,
  username: 'ada',
  level: 'researcher',
  provider: 'replicate',
  config_name: 'flux-lora',
  hardware: 'a100-80gb',
  estimated_cost_usd: 72,
  jobs_last_24h: 3,
  first_job: false,
  ...more,
});

/** What holds a job by the rules of now. */
export async function verdictOf(house: House, facts: Partial<JobFacts> = {}): Promise<ApprovalNeed | null> {
  const { verdicts } = await house.peer.ask(evaluateJobs, { jobs: [factsOf(newJobId(), facts)] });
  return verdicts[0]?.approval ?? null;
}

/** A house of the spec that calls this, in which each test begins without rules. */
export function houseOfRules(): { house: House; admin: Client } {
  const opened = {} as { house: House; admin: Client };
  beforeAll(async () => {
    opened.house = await openHouse();
    opened.admin = opened.house.as(opened.house.folk.add('admin'));
  });
  beforeEach(async () => {
    for (const { id } of (await opened.admin.get('/api/approvals/rules')).body.rules)
      await opened.admin.delete(`/api/approvals/rules/${id}`);
  });
  afterAll(async () => opened.house?.close());
  return opened;
}

/** What queue-scheduler says of a job that it accepted. */
export function submitted(
  jobId: string,
  facts: Partial<JobFacts>,
  more: Partial<EventData<typeof jobSubmitted>>,
): EventData<typeof jobSubmitted> {
  const all = factsOf(jobId, facts);
  return {
    job_id: jobId,
    user_id: all.user_id,
    ...(all.org_id === undefined ? {} : { org_id: all.org_id }),
    ...(all.team_id === undefined ? {} : { team_id: all.team_id }),
    username: all.username,
    provider: all.provider,
    config_name: all.config_name,
    hardware: all.hardware,
    estimated_cost_usd: all.estimated_cost_usd,
    status: 'pending_approval',
    facts: all,
    ...more,
  };
}

export const needAt = (now: Date, more: Partial<ApprovalNeed> = {}): ApprovalNeed => ({
  approval_id: randomUUID(),
  rule_id: 1,
  rule_name: 'high_cost',
  reason: 'estimated cost $72.00 exceeds $50.00',
  required_level: 'lead',
  expires_at: new Date(now.getTime() + 86_400_000).toISOString(),
  ...more,
});

/** A job that waits for a decision; its request's id. */
export async function openRequest(
  house: House,
  facts: Partial<JobFacts> = {},
  need: Partial<ApprovalNeed> = {},
): Promise<{ id: string; jobId: string }> {
  const jobId = newJobId();
  const approval = needAt(house.clock.now(), need);
  await house.peer.publish(jobSubmitted, submitted(jobId, facts, { approval }));
  await house.settled();
  return { id: approval.approval_id, jobId };
}
