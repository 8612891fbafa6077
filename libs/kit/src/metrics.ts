import { collectDefaultMetrics, Registry } from 'prom-client';

/** The process's Prometheus metrics. Names start with `lineclear_`. */
export class Metrics {
  readonly registry = new Registry();

  constructor(service: string) {
    this.registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.registry, prefix: 'lineclear_' });
  }
}
