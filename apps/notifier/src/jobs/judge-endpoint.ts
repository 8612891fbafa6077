import { Inject, Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Clock, CONFIG, LOGGER, type Logger, type Queryable, type Tx } from '@lineclear/kit';
import type { Config } from '../config.js';
import { switchOff } from '../db/channels.repo.js';
import { forgiveEndpoint, lockFailures, saveFailures } from '../db/endpoints.repo.js';
import type { Channel } from '../domain/channel.js';
import { afterFailure } from '../domain/endpoint-gate.js';
import { isHopeless, withFailure } from '../domain/failure-streak.js';
import { CurrentRoutes } from '../routing/current-routes.js';

/** What an attempt says of the endpoint behind a channel, and when that is the end of the channel. */
@Injectable()
export class JudgeEndpoint {
  constructor(
    private readonly bus: Bus,
    private readonly routes: CurrentRoutes,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async succeeded(on: Queryable, { id }: Channel): Promise<void> {
    await forgiveEndpoint(on, id);
  }

  /** Gives the reason if that was once too often and the channel is off now. */
  async failed(tx: Tx, channel: Channel): Promise<string | undefined> {
    if (channel.type === 'email') return undefined;
    const before = await lockFailures(tx, channel.id);
    const streak = withFailure(before.streak, this.clock.now());
    const breaker = afterFailure(before, this.config.WEBHOOK_BREAKER_SECONDS);
    await saveFailures(tx, channel.id, streak, breaker);
    if (!isHopeless(streak)) return undefined;
    const reason = `every attempt since ${streak.since.toISOString()} failed`;
    return (await this.switchOff(tx, channel, reason)) ? reason : undefined;
  }

  /** False when it is off, or has another receiver, already. */
  async switchOff(tx: Tx, channel: Channel, reason: string): Promise<boolean> {
    await this.routes.changedIn(tx);
    if (!(await switchOff(tx, channel, reason))) return false;
    this.log.warn({ channel_id: channel.id, reason }, 'a channel was switched off');
    const details = { is_enabled: { from: true, to: false }, reason };
    await this.bus.publish(tx, audited('channel.changed', { target: `channel/${channel.id}`, details }));
    return true;
  }
}
