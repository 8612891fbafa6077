import { Injectable } from '@nestjs/common';
import { audited, differences, hashToken, requirePermission, type Audited } from '@lineclear/access';
import { Bus, event, type Outgoing } from '@lineclear/bus';
import { principalChanged, type Permission, type Principal } from '@lineclear/contracts';
import { BadInput, Clock, Conflict, Database, NotAllowed, NotFound, type Tx } from '@lineclear/kit';
import * as apiKeys from '../db/api-keys.repo.js';
import * as users from '../db/users.repo.js';
import {
  earlier,
  fromWithin,
  grantOfNewKey,
  grantOfRotated,
  type GrantVerdict,
  type KeyGrant,
} from '../domain/key-grant.js';
import { beyond, permissionsOf } from '../domain/permissions.js';
import { after, daysAfter } from '../domain/session-lifetime.js';
import { callerNow, makerOf } from './find-by-token.js';
import { newApiKey } from './tokens.js';

export interface KeyRequest {
  readonly name: string;
  readonly expiresDays?: number | undefined;
  readonly scope?: readonly Permission[] | undefined;
  readonly allowedCidrs?: readonly string[] | undefined;
}

/** A key in clear, which is nowhere but in the answer that brings it, and its row. */
export interface NewKey {
  readonly key: string;
  readonly row: apiKeys.ApiKeyRow;
}

const HOUR_SECONDS = 3_600;

/** Makes keys, changes them, puts new ones in their place, and takes them back. */
@Injectable()
export class ManageApiKeys {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  async create(caller: Principal, request: KeyRequest): Promise<NewKey> {
    return this.database.tx(async (tx) => {
      // Whoever closes the account at this moment finds the key made, or comes first.
      await users.lockRights(tx);
      const now = this.clock.now();
      const maker = await callerNow(tx, caller, now);
      const grant = grantedOrRefuse(grantOfNewKey(makerOf(maker), wishOf(request, now)));
      const made = await this.#insert(tx, { userId: maker.user_id, name: request.name, grant, maker, now });
      await this.bus.publish(tx, keyCreated(made.row));
      return made;
    });
  }

  /** A key for a service account, made by those who look after people. */
  async createFor(caller: Principal, userId: number, request: KeyRequest): Promise<NewKey> {
    return this.database.tx(async (tx) => {
      await users.lockRights(tx);
      const now = this.clock.now();
      const maker = await callerNow(tx, caller, now);
      requirePermission(maker, 'admin.users');
      const account = await users.byId(tx, userId);
      if (!account) throw new NotFound('user', userId);
      if (account.kind !== 'service') throw new Conflict('people make their own keys');
      if (!account.is_active) throw new Conflict('the account is closed');
      const accounts = permissionsOf(account);
      const grant = grantedOrRefuse(grantOfNewKey(makerOf(maker), wishOf(request, now), accounts));
      const made = await this.#insert(tx, { userId, name: request.name, grant, maker, now });
      await this.bus.publish(tx, keyCreated(made.row));
      return made;
    });
  }

  /** A new key in the place of one that goes on working for the overlap, and never longer than it would have. */
  async rotate(
    caller: Principal,
    id: number,
    overlapHours: number,
  ): Promise<NewKey & { readonly replaced: apiKeys.ApiKeyRow }> {
    return this.database.tx(async (tx) => {
      await users.lockRights(tx);
      const now = this.clock.now();
      const maker = await callerNow(tx, caller, now);
      const { key, owner } = await lockKey(tx, maker, id);
      const isOwn = owner.id === maker.user_id;
      if (!isOwn && owner.kind !== 'service') throw new Conflict('people replace their own keys');
      if (!owner.is_active) throw new Conflict('the account is closed');
      if (key.replaced_by !== null) throw new Conflict('the key has been replaced already');
      if (key.expires_at !== null && key.expires_at <= now) throw new Conflict('the key has ended');
      const old = {
        scope: key.scoped_permissions,
        allowedCidrs: key.allowed_cidrs,
        createdAt: key.created_at,
        expiresAt: key.expires_at,
      };
      const verdict = grantOfRotated(makerOf(maker), old, now, isOwn);
      if (verdict.state !== 'granted') throw new NotAllowed(verdict.why);
      const made = await this.#insert(tx, {
        userId: owner.id,
        name: key.name,
        grant: verdict.grant,
        maker,
        now,
      });
      const end = earlier(after(now, overlapHours * HOUR_SECONDS), key.expires_at)!;
      const replaced = await apiKeys.replace(tx, id, made.row.id, end);
      // Elsewhere it is believed to last as long as before.
      const details = { user_id: owner.id, replaced_by: made.row.id, ends_at: end.toISOString() };
      await this.#tell(tx, owner.id, 'rotated', id, details);
      return { ...made, replaced };
    });
  }

  async change(caller: Principal, id: number, patch: apiKeys.ApiKeyPatch): Promise<apiKeys.ApiKeyRow> {
    return this.database.tx(async (tx) => {
      const maker = await callerNow(tx, caller, this.clock.now());
      const { key, owner } = await lockKey(tx, maker, id);
      mayDoLess(maker, key, owner);
      if (patch.allowedCidrs !== undefined && !fromWithin(makerOf(maker), patch.allowedCidrs))
        throw BadInput.at('allowed_cidrs', 'holds networks that the caller’s own key may not be used from');
      const changed = await apiKeys.update(tx, id, patch);
      const details = differences(key, changed, ['name', 'allowed_cidrs']);
      await this.#tell(tx, owner.id, 'changed', id, { user_id: owner.id, ...details });
      return changed;
    });
  }

  /** One's own keys, and for those who look after people everyone's; never one that can do more than the caller. */
  async revoke(caller: Principal, id: number): Promise<void> {
    await this.database.tx(async (tx) => {
      const { key, owner } = await lockKey(tx, caller, id);
      mayDoLess(caller, key, owner);
      await apiKeys.revoke(tx, id, this.clock.now());
      await this.#tell(tx, owner.id, 'revoked', id, { user_id: owner.id, name: key.name });
    });
  }

  async #insert(
    tx: Tx,
    made: {
      readonly userId: number;
      readonly name: string;
      readonly grant: KeyGrant;
      readonly maker: Principal;
      readonly now: Date;
    },
  ): Promise<NewKey> {
    const { key, prefix } = newApiKey();
    const { userId, name, grant, maker, now: createdAt } = made;
    const tokenSha256 = hashToken(key);
    const row = await apiKeys.insert(tx, {
      userId,
      name,
      prefix,
      tokenSha256,
      grant,
      madeBy: maker.user_id,
      createdAt,
    });
    return { key, row };
  }

  async #tell(
    tx: Tx,
    userId: number,
    what: 'rotated' | 'changed' | 'revoked',
    id: number,
    details: Audited['details'],
  ): Promise<void> {
    await this.bus.publish(
      tx,
      event(principalChanged, { user_id: userId }, { about: `user/${userId}` }),
      audited(`api_key.${what}`, { target: `api_key/${id}`, details: details ?? {} }),
    );
  }
}

const keyCreated = (row: apiKeys.ApiKeyRow): Outgoing =>
  audited('api_key.created', {
    target: `api_key/${row.id}`,
    details: {
      user_id: row.user_id,
      name: row.name,
      scope: row.scoped_permissions,
      allowed_cidrs: row.allowed_cidrs,
      expires_at: row.expires_at?.toISOString() ?? null,
    },
  });

/** A key with its owner, for who may see that it is there. @throws NotFound */
async function lockKey(
  tx: Tx,
  caller: Principal,
  id: number,
): Promise<{ key: apiKeys.ApiKeyRow; owner: users.UserRow }> {
  const key = await apiKeys.lockLive(tx, id);
  const isOwn = key?.user_id === caller.user_id;
  const owner =
    key && (isOwn || caller.permissions.includes('admin.users')) && (await users.byId(tx, key.user_id));
  if (!key || !owner) throw new NotFound('API key', id);
  return { key, owner };
}

/** @throws NotAllowed when the key can do what the caller cannot */
function mayDoLess(caller: Principal, key: apiKeys.ApiKeyRow, owner: users.UserRow): void {
  const keysPermissions = permissionsOf(owner, key.scoped_permissions);
  const missing = beyond(caller.permissions, keysPermissions);
  if (missing.length > 0)
    throw new NotAllowed(`the key may do what the caller may not: ${missing.join(', ')}`);
}

const wishOf = ({ scope, allowedCidrs, expiresDays }: KeyRequest, now: Date) => ({
  scope,
  allowedCidrs,
  expiresAt: expiresDays === undefined ? undefined : daysAfter(now, expiresDays),
});

function grantedOrRefuse(verdict: GrantVerdict): KeyGrant {
  if (verdict.state !== 'granted') throw BadInput.at(verdict.field, verdict.why);
  return verdict.grant;
}
