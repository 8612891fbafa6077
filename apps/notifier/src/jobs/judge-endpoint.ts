import { Inject, Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Clock, LOGGER, type Logger, type Queryable, type Tx } from '@lineclear/kit';
import { switchOff } from '../db/channels.repo.js';
import { forgiveEndpoint, lockStreak, saveStreak } from '../db/endpoints.repo.js';
import type { Channel } from '../domain/channel.js';
import { isHopeless, withFailure } from '../domain/failure-streak.js';
import { CurrentRoutes } from '../routing/current-routes.js';

/** What an attempt says of the endpoint behind a channel, and when that is the end of the channel. */
@Injectable()
export class JudgeEndpoint {
  constructor(
    private readonly bus: Bus,
    private readonly routes: CurrentRoutes,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async succeeded(on: Queryable, { id, type }: Channel): Promise<void> {
    if (type === 'webhook') await forgiveEndpoint(on, id);
  }

  /** Gives the reason if that was once too often and the channel is off now. */
  async failed(tx: Tx, channel: Channel): Promise<string | undefined> {
    if (channel.type !== 'webhook') return undefined;
    const streak = withFailure(await lockStreak(tx, channel.id), this.clock.now());
    await saveStreak(tx, channel.id, streak);
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
