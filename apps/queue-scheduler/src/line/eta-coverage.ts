import { Injectable } from '@nestjs/common';
import { Clock, Database, Metrics } from '@lineclear/kit';
import { Gauge } from 'prom-client';
import * as etas from '../db/etas.repo.js';

/** Tells how often jobs started when they were said to. */
@Injectable()
export class EtaCoverage {
  constructor(database: Database, clock: Clock, { registry }: Metrics) {
    const answers = new Gauge({
      name: 'lineclear_eta_answers',
      help: 'Of the last 1,000 answers on when a job starts, those that can be judged by now',
      registers: [registry],
    });
    new Gauge({
      name: 'lineclear_eta_coverage_ratio',
      help: 'The part of these jobs that started no later than the p50 and the p90 that was told first: 0.5 and 0.9 when all is well',
      labelNames: ['quantile'],
      registers: [registry],
      async collect() {
        const judged = await etas.coverage(database, clock.now());
        answers.set(judged.answers);
        this.set({ quantile: 'p50' }, judged.p50);
        this.set({ quantile: 'p90' }, judged.p90);
      },
    });
  }
}
