import { Injectable } from '@nestjs/common';
import { hashToken } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { principalChanged, type Permission, type Principal } from '@lineclear/contracts';
import { BadInput, Clock, Database, NotAllowed, NotFound } from '@lineclear/kit';
import * as apiKeys from '../db/api-keys.repo.js';
import * as users from '../db/users.repo.js';
import { beyond, effectivePermissions, scopeOfNewKey } from '../domain/permissions.js';
import { daysAfter } from '../domain/session-lifetime.js';
import { callerNow } from './find-by-token.js';
import { newApiKey } from './tokens.js';

export interface KeyRequest {
  readonly name: string;
  readonly expiresDays?: number | undefined;
  readonly scope?: readonly Permission[] | undefined;
}

/** Makes keys and takes them back. */
@Injectable()
export class ManageApiKeys {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  /** @returns the key itself, which is nowhere but in this answer. */
  async create(caller: Principal, request: KeyRequest): Promise<{ key: string; row: apiKeys.ApiKeyRow }> {
    const { key, prefix } = newApiKey();
    const row = await this.database.tx(async (tx) => {
      // Whoever closes the account at this moment finds the key made, or comes first.
      await users.lockRights(tx);
      const now = this.clock.now();
      const maker = await callerNow(tx, caller, now);
      const missing = beyond(maker.permissions, request.scope ?? []);
      if (missing.length > 0)
        throw BadInput.at('scoped_permissions', `holds what the caller may not do: ${missing.join(', ')}`);
      return apiKeys.insert(tx, {
        userId: maker.user_id,
        name: request.name,
        prefix,
        tokenSha256: hashToken(key),
        scope: scopeOfNewKey(request.scope, maker.scope),
        createdAt: now,
        expiresAt: endOfNewKey(request.expiresDays, maker, now),
      });
    });
    return { key, row };
  }

  /** One's own keys, and for those who look after people everyone's; never one that can do more than the caller. */
  async revoke(caller: Principal, id: number): Promise<void> {
    await this.database.tx(async (tx) => {
      const key = await apiKeys.lockLive(tx, id);
      const isOwn = key?.user_id === caller.user_id;
      if (!key || (!isOwn && !caller.permissions.includes('admin.users'))) throw new NotFound('API key', id);
      const owner = await users.byId(tx, key.user_id);
      const keysPermissions = owner
        ? effectivePermissions(owner.level, owner.overrides, key.scoped_permissions)
        : [];
      const missing = beyond(caller.permissions, keysPermissions);
      if (missing.length > 0)
        throw new NotAllowed(`the key may do what the caller may not: ${missing.join(', ')}`);
      await apiKeys.revoke(tx, id, this.clock.now());
      await this.bus.publish(
        tx,
        event(principalChanged, { user_id: key.user_id }, { about: `user/${key.user_id}` }),
      );
    });
  }
}

/** When a new key ends: never after the key that it is made with. */
function endOfNewKey(days: number | undefined, maker: Principal, now: Date): Date | null {
  const asked = days === undefined ? null : daysAfter(now, days);
  if (maker.via === 'session' || maker.expires_at === undefined) return asked;
  const makersEnd = new Date(maker.expires_at);
  if (asked !== null && asked > makersEnd)
    throw BadInput.at('expires_days', `is later than the end of the key that makes it, ${maker.expires_at}`);
  return asked ?? makersEnd;
}
