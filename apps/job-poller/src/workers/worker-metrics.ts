import { Injectable } from '@nestjs/common';
import { Metrics } from '@lineclear/kit';
import { Gauge } from 'prom-client';
import { ManageWorkers } from './manage-workers.js';

/** How many workers there are and how they are, counted at each scrape. */
@Injectable()
export class WorkerMetrics {
  constructor(manage: ManageWorkers, { registry }: Metrics) {
    new Gauge({
      name: 'lineclear_workers',
      help: 'Workers, by provider and state',
      labelNames: ['provider', 'state'],
      registers: [registry],
      async collect() {
        const workers = await manage.all();
        this.reset();
        for (const { provider, state } of workers) this.inc({ provider, state });
      },
    });
  }
}
