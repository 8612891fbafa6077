import { collectDefaultMetrics, Registry } from 'prom-client';

/** The process's Prometheus metrics. Names start with `lineclear_`. */
export class Metrics {
  readonly registry = new Registry();

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
