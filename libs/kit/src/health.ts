import type { Clock } from './clock.js';

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';
export interface ComponentHealth {
  readonly name: string;
  readonly status: HealthStatus;
  readonly latency_ms: number;
  readonly message?: string;
}
export interface HealthReport {
  readonly status: HealthStatus;
  readonly service: string;
  readonly uptime_seconds: number;
  readonly components: readonly ComponentHealth[];
  readonly timestamp: string;
}
interface Check {
  readonly name: string;
  /** Without it the service cannot do its work at all. */
  readonly essential: boolean;
  readonly run: () => Promise<void>;
}

const DEADLINE_MS = 2_000;

/** What this process needs, asked each time someone wants to know. */
export class Health {
  readonly #checks: Check[] = [];
  readonly #startedAt: number;
  #stopping = false;

  constructor(
    private readonly service: string,
    private readonly clock: Clock,
  ) {
    this.#startedAt = clock.now().getTime();
  }

  /** `run` throws when the component is not well. */
  register(check: Check): void {
    this.#checks.push(check);
  }

  /** From now on not ready: a load balancer should send nothing more. */
  stopping(): void {
    this.#stopping = true;
  }

  uptimeSeconds(): number {
    return (this.clock.now().getTime() - this.#startedAt) / 1000;
  }

  async report(): Promise<HealthReport> {
    const components = await Promise.all(this.#checks.map((check) => this.#ask(check)));
    const worst = (status: HealthStatus): boolean =>
      components.some((component) => component.status === status);
    return {
      status: this.#stopping || worst('unhealthy') ? 'unhealthy' : worst('degraded') ? 'degraded' : 'healthy',
      service: this.service,
      uptime_seconds: this.uptimeSeconds(),
      components,
      timestamp: this.clock.now().toISOString(),
    };
  }

  async #ask(check: Check): Promise<ComponentHealth> {
    const started = performance.now();
    const latency = (): number => Math.round((performance.now() - started) * 10) / 10;
    try {
      await withDeadline(check.run(), DEADLINE_MS);
      return { name: check.name, status: 'healthy', latency_ms: latency() };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return {
        name: check.name,
        status: check.essential ? 'unhealthy' : 'degraded',
        latency_ms: latency(),
        message: message.slice(0, 300),
      };
    }
  }
}

/** Gives up on `promise` after `ms` milliseconds. */
export async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
