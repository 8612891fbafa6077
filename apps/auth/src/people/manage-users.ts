import { Injectable } from '@nestjs/common';
import {
  audited,
  differences,
  requireOwnCredential,
  requirePermission,
  type Audited,
} from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { principalChanged, type Permission, type Principal } from '@lineclear/contracts';
import { BadInput, Clock, Conflict, Database, NotFound, type Tx } from '@lineclear/kit';
import { callerNow } from '../credentials/find-by-token.js';
import { notePasswordChange } from '../credentials/note-password-change.js';
import { Passwords } from '../credentials/passwords.js';
import * as apiKeys from '../db/api-keys.repo.js';
import * as resets from '../db/password-resets.repo.js';
import * as factors from '../db/second-factors.repo.js';
import * as sessions from '../db/sessions.repo.js';
import * as users from '../db/users.repo.js';
import { judgeChange } from '../domain/judge-change.js';
import { permissionsOf } from '../domain/permissions.js';
import type { UserKind } from '../domain/service-account.js';
import { refuseTooMany } from './manage-resource-rules.js';
import { allowOrThrow, standingAt, standingOf } from './standing.js';
import { wishedLevel, type LevelWish } from './wished-level.js';

export interface UserRequest {
  readonly username: string;
  readonly email: string | null;
  readonly kind: UserKind;
  readonly displayName?: string | undefined;
  readonly level: LevelWish;
  readonly password?: string | undefined;
}

export interface UserChange {
  readonly email?: string | undefined;
  readonly displayName?: string | undefined;
  readonly level?: LevelWish | undefined;
  readonly isActive?: boolean | undefined;
  readonly password?: string | undefined;
}

/** What those who look after people do to them. Every change is judged on what it makes of the person. */
@Injectable()
export class ManageUsers {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly passwords: Passwords,
  ) {}

  async create(caller: Principal, request: UserRequest): Promise<users.UserRow> {
    const { username, email, kind, displayName: display_name = username } = request;
    const password_hash =
      request.password === undefined ? null : await this.#hash(caller, request.password, request);
    const made = this.database.tx(async (tx) => {
      await users.lockRights(tx);
      const author = await this.#author(tx, caller);
      const held = await wishedLevel(tx, request.level);
      const level = held.name;
      const permissions = permissionsOf({ level_permissions: held.permissions, kind, overrides: [] });
      const after = { ...standingAt(held), permissions };
      allowOrThrow(judgeChange({ ...author, isTarget: false }, undefined, after));
      const id = await users.insert(
        tx,
        { username, email, display_name, level, kind, password_hash },
        this.clock.now(),
      );
      const details = { username, email, level, kind };
      await this.bus.publish(tx, audited('user.created', { target: `user/${id}`, details }));
      return (await users.byId(tx, id))!;
    });
    return users.refuseTaken(made);
  }

  async change(caller: Principal, id: number, change: UserChange): Promise<users.UserRow> {
    let password_hash: string | undefined;
    if (change.password !== undefined) {
      if (id === caller.user_id)
        throw new Conflict('your own password is changed at /api/auth/change-password, with the current one');
      const account = await users.accountById(this.database, id);
      if (!account) throw new NotFound('user', id);
      if (account.kind === 'service') throw new Conflict('a service account has no password: it has keys');
      password_hash = await this.#hash(caller, change.password, {
        ...account,
        ...(change.email === undefined ? {} : { email: change.email }),
      });
    }
    const { email, displayName: display_name, isActive: is_active } = change;
    const password = { password_set: password_hash === undefined ? undefined : true };
    return this.#rightsChange(caller, id, 'user.changed', password, async (tx) => {
      const level = change.level && (await wishedLevel(tx, change.level)).name;
      await users.update(tx, id, { email, display_name, level, is_active, password_hash });
      if (password_hash !== undefined || is_active === false) await sessions.endAllOf(tx, id);
      // A link went to an address that may be somebody else's by now.
      if (email !== undefined || is_active === false) await resets.voidAllOf(tx, id);
      if (password_hash !== undefined)
        await notePasswordChange(tx, this.bus, (await users.accountById(tx, id))!);
    });
  }

  /** Closes an account for good: its sessions and keys end. The person stays known, as jobs and approvals name them. */
  async close(caller: Principal, id: number): Promise<users.UserRow> {
    return this.#rightsChange(caller, id, 'user.closed', {}, async (tx) => {
      await users.update(tx, id, { is_active: false });
      await sessions.endAllOf(tx, id);
      await apiKeys.revokeAllOf(tx, id, this.clock.now());
      await resets.voidAllOf(tx, id);
    });
  }

  /** For a person who has lost their second factors: by their password alone they get in again, and can add new ones. */
  async removeFactors(caller: Principal, id: number): Promise<void> {
    if (id === caller.user_id)
      throw new Conflict('your own second factors are removed at /api/auth/factors, with a proof');
    await this.#rightsChange(caller, id, 'user.factors_removed', {}, async (tx) => {
      await factors.lock(tx, id);
      await factors.removeAll(tx, id);
      await sessions.endAllOf(tx, id);
    });
  }

  async setPermission(
    caller: Principal,
    id: number,
    permission: Permission,
    granted: boolean,
  ): Promise<users.UserRow> {
    const override = { permission, granted };
    return this.#rightsChange(caller, id, 'user.permission_set', override, (tx) =>
      users.setOverride(tx, id, permission, granted),
    );
  }

  async clearPermission(caller: Principal, id: number, permission: Permission): Promise<users.UserRow> {
    return this.#rightsChange(caller, id, 'user.permission_cleared', { permission }, async (tx) => {
      if (!(await users.clearOverride(tx, id, permission)))
        throw new NotFound('permission override', permission);
    });
  }

  /** Makes the change, looks at what became of the person and of everyone, and takes it back if that must not be. */
  async #rightsChange(
    caller: Principal,
    id: number,
    action: string,
    details: Audited['details'],
    change: (tx: Tx) => Promise<void>,
  ): Promise<users.UserRow> {
    const changed = this.database.tx(async (tx) => {
      await users.lockRights(tx);
      const author = await this.#author(tx, caller);
      const before = await users.byId(tx, id);
      if (!before) throw new NotFound('user', id);
      await change(tx);
      const after = (await users.byId(tx, id))!;
      const isTarget = id === caller.user_id;
      allowOrThrow(judgeChange({ ...author, isTarget }, standingOf(before), standingOf(after)));
      if (!(await users.anAdminIsLeft(tx))) throw new Conflict('no active admin would be left');
      if (before.level !== after.level) await refuseTooMany(tx, id);
      const told = {
        ...differences(before, after, ['email', 'display_name', 'level', 'is_active']),
        ...details,
      };
      await this.bus.publish(
        tx,
        event(principalChanged, { user_id: id }, { about: `user/${id}` }),
        audited(action, { target: `user/${id}`, details: told }),
      );
      return after;
    });
    return users.refuseTaken(changed);
  }

  async #author(tx: Tx, caller: Principal): Promise<Principal> {
    const author = await callerNow(tx, caller, this.clock.now());
    requirePermission(author, 'admin.users');
    return author;
  }

  async #hash(
    caller: Principal,
    password: string,
    person: { username: string; email: string | null },
  ): Promise<string> {
    requireOwnCredential(caller);
    const fault = await this.passwords.fault(password, person);
    if (fault !== undefined) throw BadInput.at('password', fault);
    return this.passwords.hash(password);
  }
}
