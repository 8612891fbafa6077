import { Pool } from 'undici';
import { SERVICES, type Service } from './routes.js';

const CONNECT_TIMEOUT_MS = 5_000;

/** The kept-alive connections to one service. */
export interface Upstream {
  readonly service: Service;
  readonly requests: Pool;
  /** Apart from the rest: a thousand open event streams would make every request's search for a free connection long. */
  readonly streams: Pool;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export type Upstreams = Readonly<Record<Service, Upstream>>;

const openPool = (origin: string): Pool =>
  new Pool(origin, { pipelining: 1, connect: { timeout: CONNECT_TIMEOUT_MS }, keepAliveMaxTimeout: 60_000 });

export function openUpstreams(origins: Readonly<Record<Service, string>>): Upstreams {
  const open = (service: Service): Upstream => ({
    service,
    requests: openPool(origins[service]),
    streams: openPool(origins[service]),
  });
  return Object.fromEntries(SERVICES.map((service) => [service, open(service)])) as unknown as Upstreams;
}

/** By now no request runs any more, so nothing is cut off. */
export async function closeUpstreams(upstreams: Upstreams): Promise<void> {
  await Promise.all(
    Object.values(upstreams).flatMap(({ requests, streams }) => [requests.destroy(), streams.destroy()]),
  );
}

/** Asks a service a question of the gateway's own; the whole answer must be there by the deadline. */
export async function ask(upstream: Upstream, path: string, deadlineMs: number): Promise<Answer> {
  const signal = AbortSignal.timeout(deadlineMs);
  const reply = await upstream.requests.request({
    method: 'GET',
    path,
    signal,
    headers: { accept: 'application/json' },
  });
  return { status: reply.statusCode, body: (await reply.body.json()) as unknown };
}

/** What went wrong between us and a service, in words fit for any caller: no address, no port. */
export function explain(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return 'refused the connection';
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT')
    return 'did not answer in time';
  if (error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError'))
    return 'did not answer in time';
  if (error instanceof SyntaxError) return 'answered something that is not JSON';
  return 'broke off the connection';
}

export function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
