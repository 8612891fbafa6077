import type { Level } from '@lineclear/contracts';
import { Clock, startService, type RunningService } from '@lineclear/kit';
import {
  client,
  connectPeer,
  startBackends,
  type Answer,
  type Backends,
  type Client,
  type Peer,
} from '@lineclear/testkit';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { define } from '../src/app.module.js';

export const PROVIDERS = '/api/cloud/external-auth/providers';
export const PASSWORD = 'steady hands on the lever';
export const ADMIN = { username: 'root', email: 'root@lineclear.test', password: PASSWORD };

/** The real time, and as much later as a test says. */
export class LaterClock extends Clock {
  laterMs = 0;
  override now(): Date {
    return new Date(Date.now() + this.laterMs);
  }
}

export interface LoggedIn {
  readonly http: Client;
  readonly cookie: string;
  readonly csrfToken: string;
}

/** The auth service on real servers, with an address of its own for each test that fails logins. */
export interface AuthHouse {
  readonly service: RunningService;
  /** What it was started with: another replica starts with the same. */
  readonly env: Readonly<Record<string, string>>;
  readonly backends: Backends;
  readonly peer: Peer;
  readonly clock: LaterClock;
  readonly anonymous: Client;
  /** With the key of the first admin. */
  readonly admin: Client;
  readonly adminId: number;
  /** A client with a key. */
  key(token: string): Client;
  /** Makes a user and a key of theirs. */
  person(level: Level): Promise<{ id: number; username: string; http: Client; token: string }>;
  login(username: string, password?: string): Promise<LoggedIn>;
  /** Another replica, on the same database; who starts it closes it. */
  startReplica(): Promise<RunningService>;
  /** What is in the tables: for "nothing was written". */
  rows(): Promise<unknown>;
  /** Returns when a statement of the service waits for a lock that a test holds. */
  untilOneWaits(): Promise<void>;
  close(): Promise<void>;
}

export async function openAuthHouse(
  options: {
    firstAdmin?: boolean;
    env?: Record<string, string>;
    /** The text of the configuration file. */
    config?: string;
    /** By the folder that is gone after the tests. */
    envOf?: (dir: string) => Record<string, string>;
  } = {},
): Promise<AuthHouse> {
  const backends = await startBackends();
  const clock = new LaterClock();
  const env = await backends.envFor('auth', { ...options.env, ...options.envOf?.(backends.dir) });
  if (options.config !== undefined) {
    env['LINECLEAR_CONFIG'] = join(backends.dir, 'lineclear.yaml');
    writeFileSync(env['LINECLEAR_CONFIG'], options.config);
  }
  const service = await startService(define(env, { clock }));
  const peer = await connectPeer(backends.nats.url);
  const anonymous = client(service.url);
  let [admin, adminId, made] = [anonymous, 0, 0];

  const sessionOf = (answer: Answer): LoggedIn => {
    const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const csrfToken = answer.body.csrf_token as string;
    return { cookie, csrfToken, http: withHeaders(anonymous, { cookie, 'x-csrf-token': csrfToken }) };
  };
  const login = async (username: string, password = PASSWORD): Promise<LoggedIn> =>
    sessionOf(await anonymous.post('/api/auth/login', { username, password }));
  const keyOf = async (username: string): Promise<string> =>
    (await (await login(username)).http.post('/api/auth/api-keys', { name: 'test' })).body.key as string;

  if (options.firstAdmin !== false) {
    adminId = (await anonymous.post('/api/auth/setup/first-admin', ADMIN)).body.user.id;
    admin = client(service.url, await keyOf(ADMIN.username));
  }

  return {
    service,
    env,
    backends,
    peer,
    clock,
    anonymous,
    admin,
    adminId,
    login,
    async startReplica() {
      const env = await backends.envFor('auth', options.env);
      const [row] = await service.database.query<{ name: string }>('select current_database() as name');
      const url = new URL(env['DATABASE_URL']!);
      url.pathname = `/${row!.name}`;
      return startService(define({ ...env, DATABASE_URL: url.href }, { clock }));
    },
    key: (token) => client(service.url, token),
    async person(level) {
      made += 1;
      const username = `${level}.${made}`;
      const { body } = await admin.post('/api/users', {
        username,
        email: `${username}@lineclear.test`,
        password: PASSWORD,
        level,
      });
      const token = await keyOf(username);
      return { id: body.id, username, token, http: client(service.url, token) };
    },
    async rows() {
      // Not the outbox, which empties by itself, nor when a credential was last used.
      const tables = [
        'levels',
        'users',
        'permission_overrides',
        'sessions',
        'api_keys',
        'login_failures',
        'known_devices',
        'resource_rules',
        'resource_rule_levels',
        'resource_rule_users',
        'identity_providers',
        'external_identities',
        'oidc_states',
        'password_resets',
        'organizations',
        'teams',
        'org_members',
        'team_members',
        'quotas',
        'totp_factors',
        'recovery_codes',
        'passkeys',
        'passkey_challenges',
        'login_tickets',
      ];
      const contents = tables.map((table) =>
        service.database.query(
          `select to_jsonb(t) - 'last_used_at' - 'last_seen_at' as row from ${table} t order by 1`,
        ),
      );
      return Promise.all(contents);
    },
    async untilOneWaits() {
      const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      await vi.waitFor(async () => expect(await service.database.query(waiting)).toHaveLength(1));
    },
    async close() {
      await peer.close();
      await service.close();
      await backends.stop();
    },
  };
}

/** The same client, sending these headers with everything. */
export function withHeaders(http: Client, headers: Record<string, string>): Client {
  return {
    get: (path, more) => http.get(path, { ...headers, ...more }),
    post: (path, body, more) => http.post(path, body, { ...headers, ...more }),
    put: (path, body, more) => http.put(path, body, { ...headers, ...more }),
    patch: (path, body, more) => http.patch(path, body, { ...headers, ...more }),
    delete: (path, more, body) => http.delete(path, { ...headers, ...more }, body),
  };
}
