import { Injectable } from '@nestjs/common';
import { audited, requirePermission } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { principalChanged, type Principal } from '@lineclear/contracts';
import { Clock, Database, NotAllowed, NotFound, type Tx } from '@lineclear/kit';
import * as sessions from '../db/sessions.repo.js';
import * as users from '../db/users.repo.js';
import { beyond, permissionsOf } from '../domain/permissions.js';
import { callerNow } from './find-by-token.js';

/** Ends sessions before their time. A session can do all that its person may, so a key that can do less ends none. */
@Injectable()
export class ManageSessions {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  async endOwn(caller: Principal, id: number): Promise<void> {
    await this.#change(caller, caller.user_id, { session_id: id }, async (tx) => {
      if (!(await sessions.endOneOf(tx, caller.user_id, id, this.clock.now())))
        throw new NotFound('session', id);
      return 1;
    });
  }

  /** @returns how many ended: all of the caller's but the one that asks, if it is one. */
  async endOthers(caller: Principal): Promise<number> {
    const current = caller.via === 'session' ? caller.credential_id : undefined;
    return this.#change(caller, caller.user_id, {}, (tx) => sessions.endAllOf(tx, caller.user_id, current));
  }

  /** @returns how many ended: all of that person's, for those who look after people. */
  async endAllOf(caller: Principal, userId: number): Promise<number> {
    return this.#change(caller, userId, {}, (tx, author) => {
      requirePermission(author, 'admin.users');
      return sessions.endAllOf(tx, userId);
    });
  }

  async #change(
    caller: Principal,
    userId: number,
    details: { readonly session_id?: number },
    end: (tx: Tx, author: Principal) => Promise<number>,
  ): Promise<number> {
    return this.database.tx(async (tx) => {
      const author = await callerNow(tx, caller, this.clock.now());
      const person = await users.byId(tx, userId);
      if (!person) throw new NotFound('user', userId);
      const missing = beyond(author.permissions, permissionsOf(person));
      if (missing.length > 0)
        throw new NotAllowed(`a session may do what the caller may not: ${missing.join(', ')}`);
      const ended = await end(tx, author);
      await this.bus.publish(
        tx,
        event(principalChanged, { user_id: userId }, { about: `user/${userId}` }),
        audited('session.ended', { target: `user/${userId}`, details: { ...details, ended } }),
      );
      return ended;
    });
  }
}
