import type { Logger } from '@lineclear/kit';
import type { AttemptEnd, ClaimedDelivery } from '../db/attempts.repo.js';
import type { Channel } from '../domain/channel.js';
import type { SendDelivery } from './send-delivery.js';
import type { TakeTurn } from './take-turn.js';

/** After a turn so many times as long as it took is for gathering: turns take a quarter of the time at most. */
const GATHER_TIMES = 3;
const MAX_GATHER_MS = 50;
/** What was sent and could not be written down is tried to be so often, as long as it is not. */
const WRITE_AGAIN_SECONDS = 1;

/**
 * Sends what is due through one channel, for this replica. What has been sent, and that there is more, gathers while others
 * are being sent: the busier it is, the more a single turn does.
 */
export class ChannelSender {
  readonly #underWay = new Map<AbortController, Promise<void>>();
  readonly #sent: AttemptEnd[] = [];
  #isAsked = false;
  #isStopped = false;
  #turns: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;
  #endGathering = (): void => undefined;

  constructor(
    private readonly channelId: number,
    private readonly turn: TakeTurn,
    private readonly deliveries: SendDelivery,
    private readonly log: Logger,
    /** There is nothing left to do. */
    private readonly onIdle: () => void,
  ) {}

  /** Something may be due. */
  wake(): void {
    this.#isAsked = true;
    this.#turns ??= this.#takeTurns();
  }

  /** Begins nothing new, and ends when what is under way has. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#later);
    // A turn that had begun may still claim, and what has been sent takes one more turn.
    while (this.#turns || this.#underWay.size > 0) {
      await this.#turns;
      await Promise.all(this.#underWay.values());
    }
  }

  /** Ends what is under way. */
  cutOff(): void {
    for (const stop of this.#underWay.keys()) stop.abort();
  }

  async #takeTurns(): Promise<void> {
    try {
      while (this.#isAsked || this.#sent.length > 0) {
        const startedMs = performance.now();
        await this.#takeTurn();
        await this.#gather(GATHER_TIMES * (performance.now() - startedMs));
      }
      if (this.#underWay.size === 0 && this.#later === undefined) this.onIdle();
    } catch (error) {
      this.log.warn({ err: error, channel_id: this.channelId }, 'deliveries wait for the sweeper');
      // The sweeper knows nothing of what was sent: somebody would send it again once its lease has run out.
      if (this.#sent.length > 0) this.#wakeIn(WRITE_AGAIN_SECONDS);
    } finally {
      this.#turns = undefined;
    }
  }

  async #takeTurn(): Promise<void> {
    this.#isAsked = false;
    const sent = this.#sent.splice(0);
    try {
      const turn = await this.turn.take(this.channelId, sent, !this.#isStopped);
      for (const delivery of turn.deliveries) this.#send(delivery, turn.channel);
      if (turn.nextInSeconds !== undefined) this.#wakeIn(turn.nextInSeconds);
    } catch (error) {
      // The next turn writes it down.
      this.#sent.unshift(...sent);
      throw error;
    }
  }

  /** Ends before its time when nothing is being sent. */
  async #gather(ms: number): Promise<void> {
    if (this.#underWay.size === 0 || this.#isStopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, MAX_GATHER_MS));
      this.#endGathering = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #send(delivery: ClaimedDelivery, channel: Channel | undefined): void {
    const stop = new AbortController();
    const sending = this.deliveries
      .send(delivery, channel, stop.signal)
      .then((sent) => void (sent && this.#sent.push(sent)))
      .catch((error: unknown) => {
        this.log.warn({ err: error, delivery_id: delivery.id }, 'an attempt failed; it is made again later');
      })
      .finally(() => {
        this.#underWay.delete(stop);
        if (this.#underWay.size === 0) this.#endGathering();
        // There is room for another one.
        this.wake();
      });
    this.#underWay.set(stop, sending);
  }

  #wakeIn(seconds: number): void {
    clearTimeout(this.#later);
    if (this.#isStopped) return;
    this.#later = setTimeout(() => {
      this.#later = undefined;
      this.wake();
    }, seconds * 1_000);
  }
}
