import { Injectable } from '@nestjs/common';
import { audited, differences, requirePermission } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { principalsChanged, type Level, type Permission, type Principal } from '@lineclear/contracts';
import { Clock, Conflict, Database, NotFound, type Tx } from '@lineclear/kit';
import { callerNow } from '../credentials/find-by-token.js';
import * as levels from '../db/levels.repo.js';
import * as users from '../db/users.repo.js';
import { judgeChange } from '../domain/judge-change.js';
import { Providers } from '../external/providers.js';
import { removeQuotas } from '../orgs/tell-changes.js';
import { allowOrThrow, standingAt } from './standing.js';

/** What those who look after people do to levels. A change of a level is a change of whoever holds it, and judged as such. */
@Injectable()
export class ManageLevels {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly providers: Providers,
  ) {}

  async create(caller: Principal, level: levels.NewLevel): Promise<levels.CountedLevel> {
    const made = this.database.tx(async (tx) => {
      const author = await this.#author(tx, caller);
      if (await levels.byName(tx, level.name)) throw new Conflict(`there is a level ${level.name} already`);
      // Whoever is in that group would by the next login be of this level, or of none that the mapping meant.
      const provider = await this.providers.naming(tx, level.name);
      if (provider !== undefined)
        throw new Conflict(
          `the identity provider ${JSON.stringify(provider)} maps a group of this name, which would read as the level`,
        );
      await levels.insert(tx, level, this.clock.now());
      const after = (await levels.byName(tx, level.name))!;
      allowOrThrow(judgeChange({ ...author, isTarget: false }, undefined, standingAt(after)));
      await this.#tellEveryone(tx);
      const { description, priority, permissions } = after;
      const details = { description, priority, permissions };
      await this.bus.publish(tx, audited('level.created', { target: `level/${level.name}`, details }));
      return after;
    });
    return levels.refuseTaken(made);
  }

  async change(
    caller: Principal,
    name: Level,
    change: Pick<levels.CountedLevel, 'description' | 'priority'>,
  ): Promise<levels.CountedLevel> {
    return this.#change(caller, name, async (tx) => {
      await levels.update(tx, name, change);
      await this.#tellEveryone(tx);
    });
  }

  /** Gives a level these permissions in place of all it had. */
  async setPermissions(
    caller: Principal,
    name: Level,
    permissions: readonly Permission[],
  ): Promise<levels.CountedLevel> {
    return this.#change(caller, name, async (tx) => {
      await levels.setPermissions(tx, name, permissions);
      await this.bus.publish(tx, event(principalsChanged, { levels: [name] }, { about: `level/${name}` }));
    });
  }

  async remove(caller: Principal, name: Level): Promise<void> {
    await this.database.tx(async (tx) => {
      const author = await this.#author(tx, caller);
      const level = await this.#changeable(tx, name);
      allowOrThrow(judgeChange({ ...author, isTarget: false }, undefined, standingAt(level)));
      if (level.users > 0)
        throw new Conflict(
          `the level ${name} is held by ${level.users} ${level.users === 1 ? 'account' : 'accounts'}, closed ones counted: give them another first`,
        );
      const provider = await this.providers.naming(tx, name);
      if (provider !== undefined)
        throw new Conflict(
          `the identity provider ${JSON.stringify(provider)} gives people the level ${name}`,
        );
      await removeQuotas(this.bus, tx, { scope: 'level', subject: name });
      await levels.remove(tx, name);
      await this.#tellEveryone(tx);
      await this.bus.publish(tx, audited('level.removed', { target: `level/${name}` }));
    });
  }

  /** Makes the change, looks at what became of whoever holds the level, and takes it back if that must not be. */
  #change(caller: Principal, name: Level, change: (tx: Tx) => Promise<void>): Promise<levels.CountedLevel> {
    const changed = this.database.tx(async (tx) => {
      const author = await this.#author(tx, caller);
      const before = await this.#changeable(tx, name);
      await change(tx);
      const after = (await levels.byName(tx, name))!;
      const isTarget = author.level === name;
      allowOrThrow(judgeChange({ ...author, isTarget }, standingAt(before), standingAt(after)));
      const details = differences(before, after, ['description', 'priority', 'permissions']);
      await this.bus.publish(tx, audited('level.changed', { target: `level/${name}`, details }));
      return after;
    });
    return levels.refuseTaken(changed);
  }

  async #author(tx: Tx, caller: Principal): Promise<Principal> {
    await users.lockRights(tx);
    const author = await callerNow(tx, caller, this.clock.now());
    requirePermission(author, 'admin.users');
    return author;
  }

  async #changeable(tx: Tx, name: Level): Promise<levels.CountedLevel> {
    const level = await levels.byName(tx, name);
    if (!level) throw new NotFound('level', name);
    if (level.is_system)
      throw new Conflict(`${name} is a level of the system: its number and its permissions stay as they are`);
    return level;
  }

  /** Whoever stands above a level reaches it: where it stands is about everyone. */
  async #tellEveryone(tx: Tx): Promise<void> {
    await this.bus.publish(tx, event(principalsChanged, {}, { about: 'levels' }));
  }
}
