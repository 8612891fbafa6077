import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Server, type ServerExit, startNats, startPostgres, startRedis } from '@lineclear/servers';
import { natsAuthorization, OPERATOR, readPermissions } from './nats-users.js';
import { nextPauseMs } from './pause.js';

export interface Backends {
  readonly postgres: Server;
  readonly redis: Server;
  readonly nats: Server;
}

export interface BackendOptions {
  readonly home: string;
  readonly durable: boolean;
  /** Those of the environment: what is given is used, and no server of that kind is started. */
  readonly urls: {
    readonly postgres: string | undefined;
    readonly redis: string | undefined;
    readonly nats: string | undefined;
  };
  readonly services: readonly string[];
  readonly passwordOf: (name: string) => string;
  readonly news: (what: string, text: string) => void;
  /** From then on a server that died stays dead. */
  readonly ending: AbortSignal;
  /** Called with each server as soon as it runs, so that a start that fails later can end it. */
  readonly started: (server: Server, readyAfterMs: number | undefined) => void;
}

/** Starts the three servers, each unless the environment names one; one that dies is started again. */
export async function startBackends(options: BackendOptions): Promise<Backends> {
  const { home, durable, urls, passwordOf } = options;
  const login = { user: OPERATOR, password: passwordOf(`nats.${OPERATOR}`) };
  const authorization = natsAuthorization(
    options.services,
    (user) => passwordOf(`nats.${user}`),
    readPermissions(),
  );
  const open = async (
    kind: Server['kind'],
    start: (onExit: (exit: ServerExit) => void) => Promise<Server>,
  ): Promise<Server> => {
    const given = urls[kind];
    const beganAt = performance.now();
    const server =
      given === undefined ? await start((exit) => void revive(server, exit, options)) : notOurs(kind, given);
    options.started(server, given === undefined ? Math.round(performance.now() - beganAt) : undefined);
    return server;
  };
  const [postgres, redis, nats] = await allOrThrow([
    open('postgres', (onExit) => startPostgres({ dir: join(home, 'postgres'), durable, onExit })),
    open('redis', (onExit) =>
      startRedis({ dir: join(home, 'redis'), durable, password: passwordOf('redis'), onExit }),
    ),
    open('nats', (onExit) => startNats({ dir: join(home, 'nats'), durable, authorization, login, onExit })),
  ]);
  return { postgres, redis, nats };
}

/** Waits for all even if one fails, so that nothing starts behind the back of the cleaning up. */
async function allOrThrow<T extends readonly Promise<unknown>[]>(
  work: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

async function revive(
  server: Server,
  exit: ServerExit,
  { news, ending }: Pick<BackendOptions, 'news' | 'ending'>,
): Promise<void> {
  news(server.kind, `ended (${exit.signal ?? `code ${exit.code}`}): ${exit.lastLines}`);
  for (let deaths = 0; server.pid === 0;) {
    const pause = nextPauseMs(deaths, 0);
    deaths = pause.deaths;
    await delay(pause.ms, undefined, { signal: ending }).catch(() => undefined);
    if (ending.aborted) return;
    try {
      await server.start();
      news(server.kind, 'runs again');
    } catch (error) {
      news(server.kind, String(error));
    }
  }
}

const VARIABLE = { postgres: 'DATABASE_URL', redis: 'REDIS_URL', nats: 'NATS_URL' } as const;

/** A server that somebody else runs: it is used, never started or ended. */
function notOurs(kind: Server['kind'], url: string): Server {
  const refuse = (): Promise<never> =>
    Promise.reject(new Error(`the ${kind} of ${VARIABLE[kind]} is not ours to start or kill`));
  const port = Number(new URL(url).port);
  return {
    kind,
    url,
    port,
    pid: 0,
    how: `yours, from ${VARIABLE[kind]}`,
    logFile: '',
    stop: () => Promise.resolve(),
    kill: refuse,
    start: refuse,
  };
}
