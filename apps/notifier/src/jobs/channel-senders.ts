import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { LOGGER, type Logger } from '@lineclear/kit';
import { ChannelSender } from './channel-sender.js';
import { SendDelivery } from './send-delivery.js';
import { TakeTurn } from './take-turn.js';

/** What is being sent when the service stops may take so long to end; then it is cut off and sent again later. */
const GRACE_MS = 3_000;
/** And so long, after that, to write it down: Postgres may be away. */
const CUT_AFTER_MS = 1_500;

/** One sender per channel: what waits for one endpoint is in nobody's way. */
@Injectable()
export class ChannelSenders {
  readonly #senders = new Map<number, ChannelSender>();

  constructor(
    private readonly turn: TakeTurn,
    private readonly deliveries: SendDelivery,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Something may be due through this channel. */
  wake(channelId: number): void {
    let sender = this.#senders.get(channelId);
    if (!sender) {
      const forget = (): void => void this.#senders.delete(channelId);
      sender = new ChannelSender(channelId, this.turn, this.deliveries, this.log, forget);
      this.#senders.set(channelId, sender);
    }
    sender.wake();
  }

  /** Begins nothing new, gives what is under way a while to end, and then cuts it off. */
  async stop(): Promise<void> {
    const senders = [...this.#senders.values()];
    const timer = setTimeout(() => senders.forEach((sender) => sender.cutOff()), GRACE_MS);
    await Promise.race([
      Promise.all(senders.map((sender) => sender.stop())),
      delay(GRACE_MS + CUT_AFTER_MS, undefined, { ref: false }),
    ]);
    clearTimeout(timer);
  }
}
