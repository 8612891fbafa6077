import { Counter, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** The gateway's own figures, in a registry of its own so that tests can open several gateways. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: 'lineclear_gateway_requests_total',
    help: 'Requests answered, by the service that was asked and status class',
    labelNames: ['upstream', 'status'] as const,
    registers: [this.registry],
  });
  readonly #seconds = new Histogram({
    name: 'lineclear_gateway_request_seconds',
    help: 'From the request to the end of its answer; event streams are left out',
    labelNames: ['upstream'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [this.registry],
  });

  constructor() {
    this.registry.setDefaultLabels({ service: 'gateway' });
    collectDefaultMetrics({
      register: this.registry,
      prefix: 'lineclear_',
      // As in libs/kit: a finer one would keep a gateway at rest awake.
      eventLoopMonitoringPrecision: 100,
    });
  }

  /** 499 stands for a client that left before the answer, as in nginx. */
  count(upstream: string, status: number, durationMs?: number): void {
    this.#requests.inc({ upstream, status: `${Math.floor(status / 100)}xx` });
    if (durationMs !== undefined) this.#seconds.observe({ upstream }, durationMs / 1000);
  }
}
