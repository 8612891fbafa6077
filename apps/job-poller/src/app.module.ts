import { BullModule } from '@nestjs/bullmq';
import { Module, type DynamicModule } from '@nestjs/common';
import { AccessModule } from '@lineclear/access';
import { busEntities, busMigrations, BusModule, busTransports } from '@lineclear/bus';
import { Database, RedisLine, type Clock, type ServiceDefinition } from '@lineclear/kit';
import { readConfig, type Config } from './config.js';
import { Runs1767225620000 } from './db/migrations/1767225620000-runs.js';
import { OrgOfRuns1795673000000 } from './db/migrations/1795673000000-org-of-runs.js';
import { TeamOfRuns1795690000000 } from './db/migrations/1795690000000-team-of-runs.js';
import { LeaksOfRuns1795691000000 } from './db/migrations/1795691000000-leaks-of-runs.js';
import { SecretUses1795730000000 } from './db/migrations/1795730000000-secret-uses.js';
import { Sweeps1795800100000 } from './db/migrations/1795800100000-sweeps.js';
import { AccountRates1795800100100 } from './db/migrations/1795800100100-account-rates.js';
import { Workers1795800100400 } from './db/migrations/1795800100400-workers.js';
import { WorkerLogRow } from './db/worker-log.entity.js';
import { WorkerLogsRepo } from './db/worker-logs.repo.js';
import { WorkerTaskRow } from './db/worker-task.entity.js';
import { WorkerTasksRepo } from './db/worker-tasks.repo.js';
import { WorkerRow } from './db/worker.entity.js';
import { WorkersRepo } from './db/workers.repo.js';
import { AccountRateRow } from './db/account-rate.entity.js';
import { AccountRatesRepo } from './db/account-rates.repo.js';
import { CausesAndCheckpoints1795800100250 } from './db/migrations/1795800100250-causes-and-checkpoints.js';
import { ProviderBreakers1795800100200 } from './db/migrations/1795800100200-provider-breakers.js';
import { ProviderBreakerRow } from './db/provider-breaker.entity.js';
import { ProviderBreakersRepo } from './db/provider-breakers.repo.js';
import { EndOfRuns1795711000005 } from './db/migrations/1795711000005-end-of-runs.js';
import { WebhookHints1795800100300 } from './db/migrations/1795800100300-webhook-hints.js';
import { HintedRunsRepo } from './db/hinted-runs.repo.js';
import { ProviderPrices1795800100310 } from './db/migrations/1795800100310-provider-prices.js';
import { ProviderPricesRow } from './db/provider-prices.entity.js';
import { ProviderPricesRepo } from './db/provider-prices.repo.js';
import { ProviderNoticeRow } from './db/provider-notice.entity.js';
import { ProviderNoticesRepo } from './db/provider-notices.repo.js';
import { RunLogRow } from './db/run-log.entity.js';
import { RunLogsRepo } from './db/run-logs.repo.js';
import { RunRow } from './db/run.entity.js';
import { RunsRepo } from './db/runs.repo.js';
import { SweepRow } from './db/sweep.entity.js';
import { SweepsRepo } from './db/sweeps.repo.js';
import { SweptRunsRepo } from './db/swept-runs.repo.js';
import { AnswerPrices } from './events/answer-prices.js';
import { StartClaimedRuns } from './events/start-claimed-runs.js';
import { StopRun } from './events/stop-run.js';
import { DiscoveredController } from './http/discovered.controller.js';
import { LogStreams } from './http/log-streams.js';
import { LogsController } from './http/logs.controller.js';
import { ProviderWebhooksController } from './http/provider-webhooks.controller.js';
import { LetGo } from './jobs/let-go.js';
import { WorkerAdminController } from './http/worker-admin.controller.js';
import { WorkersController } from './http/workers.controller.js';
import { LogTail } from './jobs/log-tail.js';
import { LookAtRun } from './jobs/look-at-run.js';
import { PlanSweeps } from './jobs/plan-sweeps.js';
import { LogReader } from './jobs/read-log.js';
import { PRICES_QUEUE, ReadPrices } from './jobs/read-prices.js';
import { OLD_RUNS_QUEUE, RemoveOldRuns } from './jobs/remove-old-runs.js';
import { RunMetrics } from './jobs/run-metrics.js';
import { StepRunner } from './jobs/step-runner.js';
import { StoreResults } from './jobs/store-results.js';
import { SubmitRun } from './jobs/submit-run.js';
import { SweepAccount } from './jobs/sweep-account.js';
import { SweepRunner } from './jobs/sweep-runner.js';
import { TakeHint } from './jobs/take-hint.js';
import { TakeStep } from './jobs/take-step.js';
import { STEPS_QUEUE, TickProcessor } from './jobs/tick.processor.js';
import type { Adapter } from './adapters/adapter.js';
import { GiveTask } from './workers/give-task.js';
import { ManageWorkers } from './workers/manage-workers.js';
import { Orphans } from './workers/orphans.js';
import { TaskArrivals } from './workers/task-arrivals.js';
import { TaskEnds } from './workers/task-ends.js';
import { TaskReports } from './workers/task-reports.js';
import { WorkerDoor } from './workers/worker-door.js';
import { WorkerMetrics } from './workers/worker-metrics.js';
import { AccountRates } from './providers/account-rates.js';
import { Breakers } from './providers/breakers.js';
import { Credentials } from './providers/credentials.js';
import { ProviderCalls } from './providers/provider-calls.js';
import { ProviderNotices } from './providers/provider-notices.js';
import { ADAPTERS, adaptersOf, Providers } from './providers/providers.js';
import { Webhooks } from './providers/webhooks.js';

@Module({})
class JobPollerModule {
  static of(config: Config, more: readonly Adapter[]): DynamicModule {
    const line = new RedisLine(config.REDIS_URL);
    return {
      module: JobPollerModule,
      imports: [
        BullModule.forRootAsync({ useFactory: () => line.bullOptions('job-poller') }),
        BullModule.registerQueue({ name: STEPS_QUEUE }, { name: OLD_RUNS_QUEUE }, { name: PRICES_QUEUE }),
      ],
      controllers: [
        StartClaimedRuns,
        StopRun,
        AnswerPrices,
        LogsController,
        ProviderWebhooksController,
        DiscoveredController,
        WorkersController,
        WorkerAdminController,
      ],
      providers: [
        { provide: RedisLine, useValue: line },
        {
          provide: ADAPTERS,
          inject: [Database, WorkerTasksRepo, WorkerLogsRepo, TaskArrivals],
          useFactory: (
            database: Database,
            tasks: WorkerTasksRepo,
            logs: WorkerLogsRepo,
            arrivals: TaskArrivals,
          ) => {
            const arrived = (provider: string): void => arrivals.wake(provider);
            const offlineAfterMs = config.LINECLEAR_WORKER_OFFLINE_SECONDS * 1_000;
            return [...adaptersOf(config, { database, tasks, logs, arrived, offlineAfterMs }), ...more];
          },
        },
        RunsRepo,
        RunLogsRepo,
        ProviderNoticesRepo,
        SweepsRepo,
        SweptRunsRepo,
        HintedRunsRepo,
        ProviderPricesRepo,
        AccountRatesRepo,
        ProviderBreakersRepo,
        WorkersRepo,
        WorkerTasksRepo,
        WorkerLogsRepo,
        TaskArrivals,
        TaskEnds,
        TaskReports,
        GiveTask,
        ManageWorkers,
        Orphans,
        WorkerDoor,
        Providers,
        Credentials,
        AccountRates,
        Breakers,
        ProviderCalls,
        ProviderNotices,
        Webhooks,
        LogTail,
        LogReader,
        LogStreams,
        SubmitRun,
        LetGo,
        LookAtRun,
        TakeStep,
        PlanSweeps,
        StoreResults,
        StepRunner,
        SweepAccount,
        SweepRunner,
        TakeHint,
        TickProcessor,
        RunMetrics,
        WorkerMetrics,
        RemoveOldRuns,
        ReadPrices,
      ],
    };
  }
}

/** The parts of this service; `adapters` are of providers that no configuration describes. */
export const define = (
  env: NodeJS.ProcessEnv,
  { adapters = [], ...more }: { clock?: Clock; adapters?: readonly Adapter[] } = {},
): ServiceDefinition<Config> => {
  const config = readConfig(env);
  return {
    name: 'job-poller',
    config,
    modules: [
      BusModule.of('job-poller', config.NATS_URL),
      AccessModule.of(),
      JobPollerModule.of(config, adapters),
    ],
    entities: [
      ...busEntities,
      RunRow,
      RunLogRow,
      ProviderNoticeRow,
      SweepRow,
      AccountRateRow,
      ProviderBreakerRow,
      ProviderPricesRow,
      WorkerRow,
      WorkerTaskRow,
      WorkerLogRow,
    ],
    migrations: [
      ...busMigrations,
      Runs1767225620000,
      OrgOfRuns1795673000000,
      TeamOfRuns1795690000000,
      LeaksOfRuns1795691000000,
      EndOfRuns1795711000005,
      SecretUses1795730000000,
      Sweeps1795800100000,
      AccountRates1795800100100,
      ProviderBreakers1795800100200,
      CausesAndCheckpoints1795800100250,
      WebhookHints1795800100300,
      ProviderPrices1795800100310,
      Workers1795800100400,
    ],
    transports: busTransports,
    file: config.file,
    ...more,
  };
};
