import { setImmediate } from 'node:timers/promises';
import { EVENTS_STREAM } from '@lineclear/bus';
import {
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  type Consumer,
  type ConsumerMessages,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { endOf, lifeOf } from './event-id.js';
import type { Owners } from './owners.js';
import { RecentEvents, type Bounds } from './recent-events.js';
import { visibleEvents, type VisibleEvent } from './visible-event.js';

const SUBJECTS = ['lineclear.job.>', 'lineclear.approval.>'];
const PULL_MESSAGES = 1_000;

export interface Feeding {
  readonly connection: NatsConnection;
  readonly owners: Owners;
  readonly bounds: Bounds;
  /** There are new events among the recent ones. */
  readonly onNews: () => void;
}

/** Reads the events about jobs in stream order into the recent ones: first the last of the past, then as they come. */
export class EventFeed {
  readonly #incoming: VisibleEvent[][] = [];
  #isWorking = false;
  /** Something could not be read: what comes after it must not be shown as if nothing were missing. */
  #isBroken = false;
  #messages: ConsumerMessages | undefined;
  /** Messages that were there before the reading began and are not in yet. */
  #missing = 0;
  #pastIsIn: () => void = () => undefined;

  readonly #atOnce: number;

  private constructor(
    readonly recent: RecentEvents,
    private readonly feeding: Feeding,
  ) {
    this.#atOnce = Math.ceil(feeding.bounds.events / 4);
  }

  /** A feed that has the past. @throws when the stream cannot be read. */
  static async open(feeding: Feeding): Promise<EventFeed> {
    const { connection, bounds } = feeding;
    const { life, first, last } = await look(connection);
    const from = Math.max(1, first, last - bounds.events + 1);
    const feed = new EventFeed(new RecentEvents(life, endOf(from - 1), bounds), feeding);
    await feed.#read(
      await jetstream(connection).consumers.get(EVENTS_STREAM, {
        filter_subjects: SUBJECTS,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: from,
      }),
    );
    feed.recent.reached(endOf(last));
    return feed;
  }

  /** Whether the stream is still the one that is read: what is made anew in its place may be read on by mistake. */
  async isOfToday(): Promise<boolean> {
    return (await look(this.feeding.connection)).life === this.recent.life;
  }

  stop(): void {
    this.#messages?.stop();
  }

  /** Resolves when the reading is over, whoever ended it. */
  async ended(): Promise<void> {
    await this.#messages?.closed();
  }

  async #read(consumer: Consumer): Promise<void> {
    this.#missing = (await consumer.info()).num_pending;
    const past = new Promise<void>((resolve) => (this.#pastIsIn = resolve));
    if (this.#missing === 0) this.#pastIsIn();
    this.#messages = await consumer.consume({
      max_messages: PULL_MESSAGES,
      // It would go on by itself at a place that another stream does not have: rather it ends, and is begun again.
      abort_on_missing_resource: true,
      callback: (message) => {
        this.#incoming.push(visibleEvents(this.recent.life, message.seq, message.string()));
        void this.#work();
      },
    });
    if (this.#isBroken) this.stop();
    const isIn = await Promise.race([past.then(() => true), this.ended().then(() => false)]);
    if (!isIn) throw new Error('the reading of the stream ended before the past was in');
  }

  /** All that has come, at once: under load whose jobs they are is asked once for many, and each connection is written to once. */
  async #work(): Promise<void> {
    if (this.#isWorking || this.#isBroken) return;
    this.#isWorking = true;
    try {
      while (this.#incoming.length > 0) {
        const messages = this.#incoming.splice(0);
        const events = messages.flat();
        const owners = await this.feeding.owners.of(events);
        for (const [index, { at, jobId, frame }] of events.entries()) {
          this.recent.add({ at, frame, owner: owners.get(jobId) });
          // So many at once must not push out what nobody had a chance to read.
          if ((index + 1) % this.#atOnce === 0) await this.#letRead();
        }
        this.#missing -= messages.length;
        if (this.#missing <= 0) this.#pastIsIn();
        await this.#letRead();
      }
    } catch {
      // The database is away: whoever follows comes again, and goes on where they were, rather than miss what is theirs.
      this.#isBroken = true;
      this.stop();
    } finally {
      this.#isWorking = false;
    }
  }

  async #letRead(): Promise<void> {
    this.feeding.onNews();
    await setImmediate();
  }
}

async function look(connection: NatsConnection): Promise<{ life: string; first: number; last: number }> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const { created, state } = await manager.streams.info(EVENTS_STREAM);
  return { life: lifeOf(created), first: state.first_seq, last: state.last_seq };
}
