import { Injectable } from '@nestjs/common';
import { Database, Metrics } from '@lineclear/kit';
import { Gauge } from 'prom-client';
import { RunsRepo } from '../db/runs.repo.js';

/** How many runs are under way, counted at each scrape. */
@Injectable()
export class RunMetrics {
  constructor(database: Database, runs: RunsRepo, { registry }: Metrics) {
    new Gauge({
      name: 'lineclear_runs',
      help: 'Runs that have not ended, by provider and state',
      labelNames: ['provider', 'state'],
      registers: [registry],
      async collect() {
        const counts = await runs.countOpen(database);
        this.reset();
        for (const { provider, state, count } of counts) this.set({ provider, state }, count);
      },
    });
  }
}
