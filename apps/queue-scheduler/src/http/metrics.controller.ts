import { Controller, Get, Res, type OnApplicationBootstrap } from '@nestjs/common';
import { Allow } from '@lineclear/access';
import { JOB_STATES } from '@lineclear/contracts';
import { Answers, Database, Health, Metrics } from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import { Gauge } from 'prom-client';
import * as ledger from '../db/ledger.repo.js';
import * as queue from '../db/queue.repo.js';

/** What Prometheus reads: jobs, money and uptime beside the process's own figures. */
@Controller('api/cloud/metrics')
export class MetricsController implements OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    private readonly metrics: Metrics,
    private readonly health: Health,
  ) {}

  onApplicationBootstrap(): void {
    const registers = [this.metrics.registry];
    const { database, health } = this;
    new Gauge({
      name: 'lineclear_jobs_active',
      help: 'Jobs that have not ended',
      registers,
      async collect() {
        const counts = await queue.countLive(database, {});
        this.set([...counts.values()].reduce((sum, count) => sum + count, 0));
      },
    });
    new Gauge({
      name: 'lineclear_jobs_by_status',
      help: 'Jobs by their status',
      labelNames: ['status'],
      registers,
      async collect() {
        const counts = await queue.countByState(database);
        for (const status of JOB_STATES) this.set({ status }, counts.get(status) ?? 0);
      },
    });
    new Gauge({
      name: 'lineclear_cost_total_usd',
      help: 'US dollars that ended runs cost',
      registers,
      async collect() {
        this.set(await ledger.spent(database));
      },
    });
    new Gauge({
      name: 'lineclear_uptime_seconds',
      help: 'Seconds since this process started',
      registers,
      collect() {
        this.set(health.uptimeSeconds());
      },
    });
  }

  @Get('prometheus')
  @Allow(undefined, { bypassable: true })
  @Answers(200, null, 'Metrics in the Prometheus text format')
  async prometheus(@Res() reply: FastifyReply): Promise<void> {
    await reply
      .header('content-type', this.metrics.registry.contentType)
      .send(await this.metrics.registry.metrics());
  }
}
