import { Inject, Injectable } from '@nestjs/common';
import { TokenLookup, type Identity, type Token } from '@lineclear/access';
import { networks, type Principal } from '@lineclear/contracts';
import DataLoader from 'dataloader';
import { Clock, CONFIG_FILE, Database, NotAuthenticated, type ConfigFile, type Tx } from '@lineclear/kit';
import * as identities from '../db/identities.repo.js';
import type { Maker } from '../domain/key-grant.js';
import { permissionsOf } from '../domain/permissions.js';
import { addressOf } from '../domain/service-account.js';
import { LastUsed } from './last-used.js';

/** How many are looked up by one statement. */
const MAX_BATCH = 64;

/** Whose a token is, by our own tables: for this service's routes, and for all others by `auth.introspect`. */
@Injectable()
export class FindByToken extends TokenLookup {
  readonly #isInternal: (address: string) => boolean;
  readonly #rows = { api_key: this.#lookUp('api_key'), session: this.#lookUp('session') };

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly lastUsed: LastUsed,
    @Inject(CONFIG_FILE) { network }: ConfigFile,
  ) {
    super();
    this.#isInternal = networks(network.bypass_auth_for_internal ? network.internal_networks : []);
  }

  override async find(token: Token): Promise<Identity> {
    const row = await this.#rows[token.kind].load(token.sha256);
    if (!row) return { principal: null };
    this.lastUsed.note(token.kind, row.credential_id, row.last_used_at);
    return {
      principal: principalOf(row, token.kind),
      ...(row.csrf_sha256 === null ? {} : { csrfSha256: row.csrf_sha256 }),
    };
  }

  override async internal(address: string): Promise<Principal | null> {
    const row = this.#isInternal(address) ? await identities.internal(this.database) : undefined;
    return row ? principalOf(row, 'internal') : null;
  }

  /** What is asked in one turn of the event loop is looked up by one statement. Nothing is kept: that is the asker's affair. */
  #lookUp(kind: Token['kind']): DataLoader<string, identities.IdentityRow | undefined> {
    return new DataLoader(
      async (sha256s) => {
        const found = await identities.byToken(this.database, kind, sha256s, this.clock.now());
        return sha256s.map((sha256) => found.get(sha256));
      },
      { cache: false, maxBatchSize: MAX_BATCH, batchScheduleFn: setImmediate },
    );
  }
}

/** A caller, read again, with the scope of the credential. */
type CallerNow = Principal & { readonly scope: readonly string[] | null };

/**
 * The caller by now. What waited (for a lock, a connection, the hash of a password) is judged by this: meanwhile the
 * credential may have ended, or its owner's rights. @throws NotAuthenticated
 */
export async function callerNow(tx: Tx, caller: Principal, now: Date): Promise<CallerNow> {
  const row = await identities.byCredential(tx, caller, now);
  if (!row) throw new NotAuthenticated();
  return { ...principalOf(row, caller.via), scope: row.scope };
}

/** What the caller's credential bounds a key by that is made with it. A session's end is its own affair. */
export const makerOf = (caller: CallerNow): Maker => ({
  permissions: caller.permissions,
  scope: caller.scope,
  allowedCidrs: caller.allowed_cidrs ?? null,
  expiresAt: caller.via === 'session' || caller.expires_at === undefined ? null : new Date(caller.expires_at),
});

const principalOf = (row: identities.IdentityRow, via: Principal['via']): Principal => ({
  user_id: row.user_id,
  username: row.username,
  email: addressOf({ id: row.user_id, email: row.email }),
  level: row.level,
  level_priority: row.level_priority,
  reaches: [...row.reaches],
  permissions: permissionsOf(row, row.scope),
  via,
  credential_id: row.credential_id,
  ...(row.expires_at === null ? {} : { expires_at: row.expires_at.toISOString() }),
  ...(row.allowed_cidrs === null ? {} : { allowed_cidrs: [...row.allowed_cidrs] }),
  ...(row.resource_rules === null ? {} : { resource_rules: row.resource_rules }),
  ...(row.org === null ? {} : { org: row.org }),
  ...(row.teams === null ? {} : { teams: row.teams }),
});
