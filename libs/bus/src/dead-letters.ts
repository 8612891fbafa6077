import { deadLetter } from '@lineclear/contracts';
import { NotFound } from '@lineclear/kit';
import { jetstreamManager, JetStreamApiError, type JsMsg, type StoredMsg } from '@nats-io/jetstream';
import { event, type Bus } from './bus.js';
import { DEAD_STREAM, deadSubject, replaySubject } from './streams.js';

/** An event this service gave up on. `id` is its place in the dead-letter stream. */
export interface DeadLetter {
  readonly id: number;
  readonly event_type: string;
  readonly event_id: string;
  readonly reason: string;
  readonly deliveries: number;
  readonly died_at: string;
  readonly event: unknown;
}

const REASON = 'Lineclear-Reason';
const EVENT_ID = 'Lineclear-Event-Id';
const DELIVERIES = 'Lineclear-Deliveries';

/** This service's dead letters: kept in a stream of their own until someone replays or discards them (or 30 days). */
export class DeadLetters {
  constructor(private readonly bus: Bus) {}

  async bury(message: JsMsg, reason: string): Promise<void> {
    const { service, publisher, database, log } = this.bus;
    const id = headerSafe(message.headers?.get('Nats-Msg-Id') || `seq-${message.seq}`);
    const type = message.subject.replace(/^(lineclear|replay)\./, '');
    const [kept] = await publisher.publish([
      {
        subject: deadSubject(service, type),
        // A second death of the same event after a replay is another letter.
        id: `${service}:${message.seq}`,
        body: message.data,
        headers: {
          [REASON]: headerSafe(reason),
          [EVENT_ID]: id,
          [DELIVERIES]: String(message.info.deliveryCount),
        },
      },
    ]);
    if (!kept) throw new Error('the dead-letter stream did not take it');
    log.error({ event: type, event_id: id, reason }, 'gave up on an event: it is a dead letter now');
    const data = {
      service,
      event_type: type.slice(0, 80),
      event_id: id.slice(0, 64),
      reason: reason.slice(0, 2_000),
    };
    // Telling is a courtesy; losing it must not bring the dead letter back.
    await database
      .tx((tx) => this.bus.publish(tx, event(deadLetter, data, { about: `dead-letter/${id}` })))
      .catch((error: unknown) => log.warn({ err: error }, 'could not announce a dead letter'));
  }

  /** The newest `limit` letters below `before`, newest first. */
  async list(limit: number, before = Number.MAX_SAFE_INTEGER): Promise<DeadLetter[]> {
    const manager = await jetstreamManager(this.bus.connection);
    const info = await manager.streams.info(DEAD_STREAM);
    const letters: DeadLetter[] = [];
    const mine = `dead.${this.bus.service}.`;
    for (
      let seq = Math.min(before - 1, info.state.last_seq);
      seq >= Math.max(1, info.state.first_seq) && letters.length < limit;
      seq -= 1
    ) {
      const stored = await this.#stored(seq);
      if (stored?.subject.startsWith(mine)) letters.push(letterOf(stored, mine));
    }
    return letters;
  }

  /** Gives the event to this service once more (to no other) and removes the letter. @throws NotFound */
  async replay(id: number): Promise<void> {
    const stored = await this.#mine(id);
    const [sent] = await this.bus.publisher.publish([
      { subject: replaySubject(this.bus.service), id: `${this.bus.service}:replay:${id}`, body: stored.data },
    ]);
    if (!sent) throw new Error('the stream did not take the replayed event');
    await this.discard(id);
  }

  /** Forgets the letter. @throws NotFound */
  async discard(id: number): Promise<void> {
    await this.#mine(id);
    const manager = await jetstreamManager(this.bus.connection);
    await manager.streams.deleteMessage(DEAD_STREAM, id);
  }

  async #mine(id: number): Promise<StoredMsg> {
    const stored = await this.#stored(id);
    if (!stored?.subject.startsWith(`dead.${this.bus.service}.`)) throw new NotFound('dead letter', id);
    return stored;
  }

  async #stored(seq: number): Promise<StoredMsg | null> {
    const manager = await jetstreamManager(this.bus.connection);
    try {
      return await manager.streams.getMessage(DEAD_STREAM, { seq });
    } catch (error) {
      if (error instanceof JetStreamApiError && error.status === 404) return null;
      throw error;
    }
  }
}

function letterOf(stored: StoredMsg, prefix: string): DeadLetter {
  return {
    id: stored.seq,
    event_type: stored.subject.slice(prefix.length),
    event_id: stored.header.get(EVENT_ID),
    reason: stored.header.get(REASON),
    deliveries: Number(stored.header.get(DELIVERIES)),
    died_at: stored.time.toISOString(),
    event: parsedOrText(stored.string()),
  };
}

function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(0, 10_000);
  }
}

const headerSafe = (text: string): string => text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 1_000);
