import { collectDefaultMetrics, Registry } from 'prom-client';
import { CacheMetrics } from './cache-metrics.js';

/** The process's Prometheus metrics. Names start with `lineclear_`. */
export class Metrics {
  readonly registry = new Registry();
  readonly caches = new CacheMetrics(this.registry);

  constructor(service: string) {
    this.registry.setDefaultLabels({ service });
    collectDefaultMetrics({
      register: this.registry,
      prefix: 'lineclear_',
      // Looked at more often, the delay of the event loop wakes a service at rest a hundred times a second.
      eventLoopMonitoringPrecision: 100,
    });
  }
}
