import { Injectable } from '@nestjs/common';
import { TokenLookup, type Identity, type Token } from '@lineclear/access';
import { Clock, Database } from '@lineclear/kit';
import * as identities from '../db/identities.repo.js';
import { effectivePermissions } from '../domain/permissions.js';
import { LastUsed } from './last-used.js';

/** Whose a token is, by our own tables: for this service's routes, and for all others by `auth.introspect`. */
@Injectable()
export class FindByToken extends TokenLookup {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly lastUsed: LastUsed,
  ) {
    super();
  }

  override async find(token: Token): Promise<Identity> {
    const row = await identities.byToken(this.database, token, this.clock.now());
    if (!row) return { principal: null };
    this.lastUsed.note(token.kind, row.credential_id, row.last_used_at);
    return {
      principal: {
        user_id: row.user_id,
        username: row.username,
        email: row.email,
        level: row.level,
        permissions: effectivePermissions(row.level, row.overrides, row.scope),
        via: token.kind,
        credential_id: row.credential_id,
        ...(row.expires_at === null ? {} : { expires_at: row.expires_at.toISOString() }),
      },
      ...(row.csrf_sha256 === null ? {} : { csrfSha256: row.csrf_sha256 }),
    };
  }
}
