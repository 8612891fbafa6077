import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { networks, principalChanged } from '@lineclear/contracts';
import { Clock, CONFIG_FILE, Database, LOGGER, type ConfigFile, type Logger } from '@lineclear/kit';
import * as users from '../db/users.repo.js';
import { INTERNAL_ACCOUNT } from '../domain/service-account.js';

/**
 * The account that callers from internal networks act as. It is made when the configuration lets them in, and is of the
 * configured level from each start on; an admin who deactivates it closes that way in, which no start opens again.
 */
@Injectable()
export class InternalAccount implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(CONFIG_FILE) private readonly file: ConfigFile,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async onModuleInit(): Promise<void> {
    const { bypass_auth_for_internal: isOn, internal_networks: cidrs } = this.file.network;
    if (!isOn) return;
    const isInternal = networks(cidrs);
    if (isInternal('127.0.0.1') || isInternal('::1'))
      this.log.warn(
        'network.internal_networks holds this machine itself: whoever comes by a proxy on it that trusted_proxies does not name needs no login',
      );
    await this.#keepInStep();
  }

  async #keepInStep(): Promise<void> {
    const { internal_level: level } = this.file.network;
    await this.database.tx(async (tx) => {
      // Of several replicas at once one makes it.
      await users.lockRights(tx);
      const found = await users.accountByName(tx, INTERNAL_ACCOUNT);
      if (!found) {
        const account = {
          username: INTERNAL_ACCOUNT,
          email: null,
          display_name: 'Internal networks',
          level,
          kind: 'service',
          password_hash: null,
        } as const;
        const id = await users.insert(tx, account, this.clock.now());
        const { username, kind } = account;
        await this.bus.publish(
          tx,
          audited('user.created', { target: `user/${id}`, details: { username, kind, level } }),
        );
      } else if (found.kind === 'person') {
        this.log.error(`a person has the name ${INTERNAL_ACCOUNT}: nobody is let in for their network`);
      } else {
        const before = (await users.byId(tx, found.id))!.level;
        if (before === level) return;
        await users.update(tx, found.id, { level });
        const details = { level: { from: before, to: level } };
        await this.bus.publish(
          tx,
          event(principalChanged, { user_id: found.id }, { about: `user/${found.id}` }),
          audited('user.changed', { target: `user/${found.id}`, details }),
        );
      }
    });
  }
}
