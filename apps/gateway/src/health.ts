import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SERVICES, type Service } from './routes.js';
import { ask, explain, type Upstreams } from './upstreams.js';

/** A service gives each of its own checks 2 s; a little more lets its report on a hanging one arrive. */
const DEADLINE_MS = 2_500;
/** The check is open to everybody and asks six services, so callers within this time share one answer. */
const SHARED_MS = 500;
/** Without these nobody is let in and nothing can be submitted; without another one, work waits. */
const ESSENTIAL: ReadonlySet<string> = new Set<Service>(['auth', 'queue-scheduler']);

const status = z.enum(['healthy', 'degraded', 'unhealthy']);
const component = z.object({
  name: z.string().max(120),
  status,
  latency_ms: z.number().nonnegative().optional(),
  message: z.string().max(1000).optional(),
});
const report = z.object({ status, components: z.array(component).max(200).default([]) });

export type Status = z.infer<typeof status>;
export type Component = z.infer<typeof component>;

/** How the whole house is, from how each service is. */
export function overall(services: readonly Pick<Component, 'name' | 'status'>[]): Status {
  if (services.some(({ name, status }) => status === 'unhealthy' && ESSENTIAL.has(name))) return 'unhealthy';
  return services.every(({ status }) => status === 'healthy') ? 'healthy' : 'degraded';
}

/** A service's own row first, then those of what it stands on, named `service/part`. */
async function check(upstreams: Upstreams, service: Service): Promise<Component[]> {
  const started = performance.now();
  const row = (state: Status, message?: string): Component => ({
    name: service,
    status: state,
    latency_ms: Math.round((performance.now() - started) * 10) / 10,
    ...(message === undefined ? {} : { message }),
  });
  try {
    const answer = await ask(upstreams[service], '/health', DEADLINE_MS);
    const read = report.safeParse(answer.body);
    if (!read.success) return [row('unhealthy', `answered ${answer.status} and no health report`)];
    const parts = read.data.components.map((part) => ({ ...part, name: `${service}/${part.name}` }));
    return [row(read.data.status), ...parts];
  } catch (error) {
    return [row('unhealthy', explain(error))];
  }
}

interface Deep {
  readonly status: Status;
  readonly components: readonly Component[];
}

function deepCheck(upstreams: Upstreams): () => Promise<Deep> {
  let last: { readonly at: number; readonly answer: Promise<Deep> } | undefined;
  const run = async (): Promise<Deep> => {
    const rows = await Promise.all(SERVICES.map((service) => check(upstreams, service)));
    return { status: overall(rows.flatMap(([service]) => service ?? [])), components: rows.flat() };
  };
  return () => {
    const now = performance.now();
    if (last === undefined || now - last.at > SHARED_MS) last = { at: now, answer: run() };
    return last.answer;
  };
}

export function registerHealth(app: FastifyInstance, upstreams: Upstreams, version: string): void {
  const started = performance.now();
  const deep = deepCheck(upstreams);
  app.addHook('onRequest', (request, reply, next) => {
    if (request.url.includes('/health')) void reply.header('cache-control', 'no-store');
    next();
  });

  // Of this process alone: a service that is down must not get the front door restarted or taken out of the load balancer.
  for (const path of ['/health/live', '/api/cloud/health/live']) app.get(path, () => ({ status: 'ok' }));
  app.get('/health/ready', () => ({ status: 'ready' }));

  app.get('/api/cloud/health/ready', async (_, reply) => {
    const { status } = await deep();
    return status === 'unhealthy' ? reply.code(503).send({ status: 'not_ready' }) : { status: 'ready' };
  });

  for (const path of ['/health', '/api/cloud/health'])
    app.get(path, async (_, reply) => {
      const { status, components } = await deep();
      const uptimeSeconds = Math.round((performance.now() - started) / 1000);
      const body = {
        status,
        version,
        uptime_seconds: uptimeSeconds,
        components,
        timestamp: new Date().toISOString(),
      };
      return reply.code(status === 'unhealthy' ? 503 : 200).send(body);
    });
}
