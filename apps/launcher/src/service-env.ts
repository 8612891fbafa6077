import { join } from 'node:path';
import type { HousePlan, ServiceSpec } from './services.js';

/** Where one service finds what it keeps its things in. */
export interface Stores {
  readonly DATABASE_URL: string;
  readonly REDIS_URL: string;
  readonly NATS_URL: string;
}

/**
 * The environment of one service: what the user set (providers read their keys from it), then what the house says. The
 * user's own addresses of servers are taken out: they may be an administrator's.
 */
export function serviceEnv(
  spec: ServiceSpec,
  users: Readonly<NodeJS.ProcessEnv>,
  plan: HousePlan & { readonly publicUrl: string },
  stores: Stores | undefined,
): NodeJS.ProcessEnv {
  const { DATABASE_URL: _database, REDIS_URL: _redis, NATS_URL: _nats, ...inherited } = users;
  return {
    ...inherited,
    NODE_ENV: 'production',
    // Node 22 and newer keep what they compiled here, which makes the next start faster.
    NODE_COMPILE_CACHE: join(plan.home, 'compile-cache'),
    HOST: '127.0.0.1',
    PORT: new URL(plan.urlOf(spec.name)).port,
    PUBLIC_URL: plan.publicUrl,
    LINECLEAR_HOME: plan.home,
    ...stores,
    ...spec.env?.(plan),
  };
}
