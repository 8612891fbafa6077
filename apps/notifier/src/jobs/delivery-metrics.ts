import { Injectable } from '@nestjs/common';
import { Metrics } from '@lineclear/kit';
import { Counter, Histogram } from 'prom-client';
import type { ChannelType } from '../domain/channel.js';
import type { WaitReason } from '../domain/endpoint-gate.js';

/** What shows that messages arrive. */
@Injectable()
export class DeliveryMetrics {
  readonly #attempts: Counter<'channel_type' | 'outcome'>;
  readonly #seconds: Histogram<'channel_type'>;
  readonly #heldBack: Counter<'reason'>;

  constructor(metrics: Metrics) {
    const registers = [metrics.registry];
    this.#attempts = new Counter({
      name: 'lineclear_deliveries_total',
      help: 'Attempts to deliver a notification, by channel type and what became of the delivery',
      labelNames: ['channel_type', 'outcome'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'lineclear_delivery_attempt_seconds',
      help: 'Time that an attempt to deliver took',
      labelNames: ['channel_type'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60],
      registers,
    });
    this.#heldBack = new Counter({
      name: 'lineclear_deliveries_held_back_total',
      help: 'Times that deliveries had to wait because their endpoint took no more just then, by what kept them back',
      labelNames: ['reason'],
      registers,
    });
  }

  heldBack(reason: WaitReason): void {
    this.#heldBack.inc({ reason });
  }

  attempted(channelType: ChannelType, outcome: string, seconds: number): void {
    this.#attempts.inc({ channel_type: channelType, outcome });
    this.#seconds.observe({ channel_type: channelType }, seconds);
  }
}
