import { Controller, Inject, Module } from '@nestjs/common';
import {
  approvalWaived,
  approverUnreached,
  evaluateJobs,
  jobCancelled,
  jobSubmitted,
  replyReceived,
  type EventOf,
  type RequestOf,
} from '@lineclear/contracts';
import { AccessModule } from '@lineclear/access';
import { Conflict, readEnv, serviceEnv, startService, type RunningService, type Tx } from '@lineclear/kit';
import { connectPeer, pendingEvents, startBackends, type Backends, type Peer } from '@lineclear/testkit';
import { expect, vi } from 'vitest';
import {
  Bus,
  BusModule,
  busEntities,
  busMigrations,
  busTransports,
  event,
  OnEvent,
  OnEvents,
  OnRequest,
} from './index.js';

export const JOB = (n: number): string => `job_${n.toString(16).padStart(32, '0')}`;
const about = (n: number) => ({
  user_id: 1,
  username: 'ada',
  provider: 'local',
  config_name: 'tiny',
  job_id: JOB(n),
});
export const submitted = (n: number) => ({
  ...about(n),
  hardware: 'gpu',
  estimated_cost_usd: 1,
  status: 'awaiting_evaluation' as const,
  facts: {
    ...about(n),
    level: 'viewer' as const,
    hardware: 'gpu',
    estimated_cost_usd: 1,
    jobs_last_24h: 0,
    first_job: true,
  },
});

/** A service as small as one can be: it notes each job it hears of and says that nothing holds it. */
@Controller()
export class Notes {
  static poison = new Set<string>();
  static batches: number[] = [];
  static slow: Bus | undefined;
  static entered = false;
  static gate: Promise<void> | undefined;

  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @OnEvents(jobSubmitted)
  async note(events: EventOf<typeof jobSubmitted>[], tx: Tx): Promise<void> {
    Notes.batches.push(events.length);
    for (const { data } of events) {
      await tx.query('insert into note (job_id) values ($1)', [data.job_id]);
      await this.bus.publish(
        tx,
        event(approvalWaived, { job_id: data.job_id }, { about: `job/${data.job_id}` }),
      );
    }
    if (events.some(({ data }) => Notes.poison.has(data.job_id))) throw new Error('poisoned');
  }

  @OnEvent(jobCancelled)
  async strike({ data }: EventOf<typeof jobCancelled>, tx: Tx): Promise<void> {
    await tx.query('delete from note where job_id = $1', [data.job_id]);
  }

  /** Declared for this service too; there is nothing to note. */
  /** The same. */
  @OnEvent(approverUnreached)
  async returned(_event: EventOf<typeof approverUnreached>, _tx: Tx): Promise<void> {
    await Promise.resolve();
  }

  @OnEvent(replyReceived)
  async heard(_event: EventOf<typeof replyReceived>, _tx: Tx): Promise<void> {
    await Promise.resolve();
  }

  @OnRequest(evaluateJobs)
  async evaluate({
    jobs,
  }: RequestOf<typeof evaluateJobs>): Promise<{ verdicts: { job_id: string; approval: null }[] }> {
    if (Notes.slow === this.bus) {
      Notes.entered = true;
      await Notes.gate;
    }
    if (jobs.length > 2) throw new Conflict('the rules say no');
    if (jobs.length > 1) throw new Error('one at a time');
    return { verdicts: jobs.map(({ job_id }) => ({ job_id, approval: null })) };
  }
}

@Module({ controllers: [Notes] })
class NotesModule {}

/** The service over real servers, and the rest of the house beside it. */
export interface NotesHouse {
  readonly backends: Backends;
  readonly service: RunningService;
  readonly peer: Peer;
  /** Starts another replica; whoever does ends it. */
  readonly boot: () => Promise<RunningService>;
  /** How often this job was noted. */
  readonly notesOf: (n: number) => Promise<number>;
  /** Resolves when everything on the stream was handled. */
  readonly settled: () => Promise<void>;
  readonly outboxIsEmpty: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function openNotes(): Promise<NotesHouse> {
  const backends = await startBackends();
  const env = await backends.envFor('approvals');
  const boot = (): Promise<RunningService> =>
    startService({
      name: 'approvals',
      config: readEnv(serviceEnv, env),
      modules: [BusModule.of('approvals', backends.nats.url), AccessModule.of(), { module: NotesModule }],
      entities: [...busEntities],
      migrations: [...busMigrations],
      transports: busTransports,
    });
  const service = await boot();
  await service.database.query('create table note (id serial, job_id text)');
  const peer = await connectPeer(backends.nats.url);
  return {
    backends,
    service,
    peer,
    boot,
    notesOf: async (n) =>
      (await service.database.query('select 1 from note where job_id = $1', [JOB(n)])).length,
    settled: () =>
      vi.waitFor(async () => expect(await pendingEvents(backends.nats.url, 'approvals')).toBe(0), {
        timeout: 20_000,
      }),
    outboxIsEmpty: () =>
      vi.waitFor(async () => expect(await service.database.query('select 1 from outbox')).toHaveLength(0)),
    async close() {
      await peer.close();
      await service.close();
      await backends.stop();
    },
  };
}
