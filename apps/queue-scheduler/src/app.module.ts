import { BullModule } from '@nestjs/bullmq';
import { Module, type DynamicModule } from '@nestjs/common';
import { AccessModule } from '@lineclear/access';
import { busEntities, busMigrations, BusModule, busTransports } from '@lineclear/bus';
import { readConfigFile, RedisLine, type Clock, type ServiceDefinition } from '@lineclear/kit';
import { readConfig, type Config } from './config.js';
import { entities } from './db/entities.js';
import { QueueTables1767225700000 } from './db/migrations/1767225700000-queue-tables.js';
import { BandsBetweenLevels1795661000000 } from './db/migrations/1795661000000-bands-between-levels.js';
import { ApprovedSecrets1795711000000 } from './db/migrations/1795711000000-approved-secrets.js';
import { Cancellers1795711000001 } from './db/migrations/1795711000001-cancellers.js';
import { Attempts1795711000012 } from './db/migrations/1795711000012-attempts.js';
import { MaintenanceAndPreemption1795711000013 } from './db/migrations/1795711000013-maintenance-and-preemption.js';
import { ArrangedJobs1795711000011 } from './db/migrations/1795711000011-arranged-jobs.js';
import { CostLimits1795711000020 } from './db/migrations/1795711000020-cost-limits.js';
import { FairQueue1795711000010 } from './db/migrations/1795711000010-fair-queue.js';
import { Approvers1795711000005 } from './db/migrations/1795711000005-approvers.js';
import { Etas1795711000030 } from './db/migrations/1795711000030-etas.js';
import { Quotas1795671000000 } from './db/migrations/1795671000000-quotas.js';
import type { Provider } from './domain/providers.js';
import { providersOf } from './line/providers-of.js';
import { FollowApprovals } from './events/follow-approvals.js';
import { AnswerPastJobs } from './events/answer-past-jobs.js';
import { AnswerUsage } from './events/answer-usage.js';
import { FollowQuotas } from './events/follow-quotas.js';
import { FollowRuns } from './events/follow-runs.js';
import { ArraysController } from './http/arrays.controller.js';
import { ArrangeController } from './http/arrange.controller.js';
import { CancelController } from './http/cancel.controller.js';
import { CleanupController } from './http/cleanup.controller.js';
import { CostsController } from './http/costs.controller.js';
import { DecideController } from './http/decide.controller.js';
import { ExplainController } from './http/explain.controller.js';
import { EventsController } from './http/events.controller.js';
import { ForecastController } from './http/forecast.controller.js';
import { JobPageController } from './http/job-page.controller.js';
import { JobsController } from './http/jobs.controller.js';
import { MaintenanceController } from './http/maintenance.controller.js';
import { MetricsController } from './http/metrics.controller.js';
import { PoolsController } from './http/pools.controller.js';
import { PositionController } from './http/position.controller.js';
import { ProcessController } from './http/process.controller.js';
import { ProvidersController } from './http/providers.controller.js';
import { QueueController } from './http/queue.controller.js';
import { SubmitController } from './http/submit.controller.js';
import { Submits } from './http/submits.js';
import { WhatIfController } from './http/what-if.controller.js';
import { RemoveOldJobs } from './jobs/remove-old-jobs.js';
import { Recount, RECOUNT } from './jobs/recount.js';
import { Sweep, SWEEP } from './jobs/sweep.js';
import { ClaimLoop } from './line/claim-loop.js';
import { DueLoop } from './line/due-loop.js';
import { Evaluation } from './line/evaluation.js';
import { EtaCoverage } from './line/eta-coverage.js';
import { Forecasts } from './line/forecasts.js';
import { LeakScan } from './line/leak-scan.js';
import { SecretDemands } from './line/secret-demands.js';
import { MakeRoomLoop } from './line/make-room-loop.js';
import { Moves } from './line/moves.js';
import { Providers, PROVIDERS } from './line/providers.js';
import { RefusedLeaks } from './line/refused-leaks.js';
import { StoreSubmits } from './line/store-submits.js';
import { SubmitBatches } from './line/submit-batches.js';
import { Wakes } from './line/wakes.js';
import { LiveHub } from './live/live-hub.js';

@Module({})
class QueueModule {
  static of(config: Config, providers: ReadonlyMap<string, Provider>): DynamicModule {
    const line = new RedisLine(config.REDIS_URL);
    return {
      module: QueueModule,
      imports: [
        BullModule.forRootAsync({ useFactory: () => line.bullOptions('queue-scheduler') }),
        BullModule.registerQueue({ name: SWEEP }, { name: RECOUNT }),
      ],
      controllers: [
        SubmitController,
        ArraysController,
        JobsController,
        JobPageController,
        CancelController,
        ArrangeController,
        MaintenanceController,
        PoolsController,
        DecideController,
        QueueController,
        PositionController,
        ExplainController,
        WhatIfController,
        ProcessController,
        CleanupController,
        ProvidersController,
        MetricsController,
        CostsController,
        ForecastController,
        EventsController,
        FollowApprovals,
        FollowRuns,
        FollowQuotas,
        AnswerPastJobs,
        AnswerUsage,
      ],
      providers: [
        { provide: PROVIDERS, useValue: providers },
        { provide: RedisLine, useValue: line },
        Providers,
        Wakes,
        Moves,
        Evaluation,
        LeakScan,
        SecretDemands,
        RefusedLeaks,
        StoreSubmits,
        Submits,
        SubmitBatches,
        ClaimLoop,
        DueLoop,
        MakeRoomLoop,
        Forecasts,
        EtaCoverage,
        RemoveOldJobs,
        Recount,
        Sweep,
        LiveHub,
      ],
    };
  }
}

/** All that makes the queue-scheduler. */
export const define = (env: NodeJS.ProcessEnv, more: { clock?: Clock } = {}): ServiceDefinition<Config> => {
  const config = readConfig(env);
  const file = readConfigFile(env, { without: ['oidc'] });
  return {
    name: 'queue-scheduler',
    config,
    modules: [
      BusModule.of('queue-scheduler', config.NATS_URL),
      AccessModule.of(),
      QueueModule.of(config, providersOf(file.providers, config.LINECLEAR_LOCAL_PROVIDER)),
    ],
    entities: [...busEntities, ...entities],
    migrations: [
      ...busMigrations,
      QueueTables1767225700000,
      BandsBetweenLevels1795661000000,
      Quotas1795671000000,
      ApprovedSecrets1795711000000,
      Cancellers1795711000001,
      Approvers1795711000005,
      FairQueue1795711000010,
      ArrangedJobs1795711000011,
      Attempts1795711000012,
      MaintenanceAndPreemption1795711000013,
      CostLimits1795711000020,
      Etas1795711000030,
    ],
    transports: busTransports,
    file,
    ...more,
  };
};
