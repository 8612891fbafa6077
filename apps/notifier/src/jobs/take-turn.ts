import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, Database } from '@lineclear/kit';
import type { Config } from '../config.js';
import { claimDue, endAttempts, type AttemptEnd, type ClaimedDelivery } from '../db/attempts.repo.js';
import { forgiveEndpoint, lockGate } from '../db/endpoints.repo.js';
import { limitsOf, type Channel } from '../domain/channel.js';
import { roomAt } from '../domain/endpoint-gate.js';
import { DeliveryMetrics } from './delivery-metrics.js';

/** Longer than an attempt may take with all that is around it: only a holder that died has it run out. */
const LEASE_MARGIN_SECONDS = 15;

export interface Turn {
  /** What is to be sent now. */
  readonly deliveries: readonly ClaimedDelivery[];
  readonly channel: Channel | undefined;
  /** After how many seconds more may be sent, where nothing else says so before. */
  readonly nextInSeconds: number | undefined;
}

const NOTHING: Turn = { deliveries: [], channel: undefined, nextInSeconds: undefined };

/**
 * A channel's turn, in one transaction: what has been sent is written down, and as much of what is due is claimed as the
 * endpoint takes: so many at once, so many a second, and none while there is no use.
 */
@Injectable()
export class TakeTurn {
  readonly #leaseSeconds: number;

  constructor(
    private readonly database: Database,
    private readonly metrics: DeliveryMetrics,
    @Inject(CONFIG) config: Config,
  ) {
    this.#leaseSeconds = 2 * config.DELIVERY_TIMEOUT_SECONDS + LEASE_MARGIN_SECONDS;
  }

  async take(channelId: number, sent: readonly AttemptEnd[], mayClaim: boolean): Promise<Turn> {
    return this.database.tx(async (tx) => {
      const [written, gate] = await Promise.all([
        sent.length > 0 ? endAttempts(tx, sent) : undefined,
        lockGate(tx, channelId),
      ]);
      if (!gate) return NOTHING;
      const { channel, now } = gate;
      const isForgiven = gate.hasFailed && (written?.size ?? 0) > 0;
      if (isForgiven) await forgiveEndpoint(tx, channelId);
      if (!mayClaim) return NOTHING;
      const state = isForgiven ? { ...gate.state, failuresInRow: 0, openUntil: null } : gate.state;
      const { count, tokens, beyond } = roomAt(state, limitsOf(channel), now);
      const lease = { holder: randomUUID(), leaseSeconds: this.#leaseSeconds };
      const { deliveries, isMoreDue } = await claimDue(tx, channelId, count, lease, { tokens, now });
      if (!isMoreDue || deliveries.length < count) return { deliveries, channel, nextInSeconds: undefined };
      this.metrics.heldBack(beyond.reason);
      return { deliveries, channel, nextInSeconds: beyond.seconds };
    });
  }
}
