import { deadLetter, eventsIn } from '@lineclear/contracts';
import { NotFound } from '@lineclear/kit';
import {
  jetstreamManager,
  JetStreamApiError,
  type JetStreamManager,
  type JsMsg,
  type StoredMsg,
} from '@nats-io/jetstream';
import { z } from 'zod';
import { event, type Bus } from './bus.js';
import { DEAD_STREAM, deadSubject, ensureStreams, replaySubject } from './streams.js';

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
    const { service, publisher, database, log, connection } = this.bus;
    // By its own words where it has any: a replayed letter comes on another subject, without the emitter's headers.
    const said = saidBy(message);
    const id = said.id ?? headerSafe(message.headers?.get('Nats-Msg-Id') || `seq-${message.seq}`);
    const type = said.type ?? message.subject.replace(/^(lineclear|replay)\./, '');
    const letter = {
      subject: deadSubject(service, type),
      // A second death of the same event after a replay is another letter; so is one of another stream's life.
      id: `${service}:${id}:${message.timestampNanos}`,
      body: message.data,
      headers: {
        [REASON]: headerSafe(reason),
        [EVENT_ID]: id,
        [DELIVERIES]: String(message.info.deliveryCount),
      },
    };
    let [kept] = await publisher.publish([letter]);
    if (!kept) {
      // The server may have lost its storage.
      await ensureStreams(connection, service);
      [kept] = await publisher.publish([letter]);
    }
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
    const manager = await this.#manager();
    const info = await manager.streams.info(DEAD_STREAM);
    const mine = `dead.${this.bus.service}.`;
    const letters: DeadLetter[] = [];
    // The server finds the next one of ours, upwards only: so in windows, from the newest down, each twice the last.
    const first = Math.max(info.state.first_seq, 1);
    let end = Math.min(before, info.state.last_seq + 1);
    for (let size = limit; end > first && letters.length < limit; size *= 2) {
      const start = Math.max(end - size, first);
      const found: DeadLetter[] = [];
      for (let seq = start; seq < end; seq += 1) {
        const stored = await this.#stored({ seq, next_by_subj: `${mine}>` });
        if (!stored || stored.seq >= end) break;
        found.push(letterOf(stored, mine));
        seq = stored.seq;
      }
      letters.push(...found.reverse());
      end = start;
    }
    return letters.slice(0, limit);
  }

  /** Gives the event to this service once more (to no other) and removes the letter. @throws NotFound */
  async replay(id: number): Promise<void> {
    const stored = await this.#mine(id);
    const { service, publisher } = this.bus;
    const sent = await publisher.publish(
      bodiesOf(stored).map((body, n) => ({
        subject: replaySubject(service),
        id: `${service}:replay:${id}:${n}`,
        body,
      })),
    );
    if (sent.includes(false)) throw new Error('the stream did not take the replayed event');
    await this.discard(id);
  }

  /** Forgets the letter. @throws NotFound */
  async discard(id: number): Promise<void> {
    await this.#mine(id);
    const manager = await this.#manager();
    await manager.streams.deleteMessage(DEAD_STREAM, id);
  }

  async #mine(id: number): Promise<StoredMsg> {
    const stored = await this.#stored({ seq: id });
    if (!stored?.subject.startsWith(`dead.${this.bus.service}.`)) throw new NotFound('dead letter', id);
    return stored;
  }

  async #stored(query: { seq: number; next_by_subj?: string }): Promise<StoredMsg | null> {
    const manager = await this.#manager();
    try {
      return await manager.streams.getMessage(DEAD_STREAM, query);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.status === 404) return null;
      throw error;
    }
  }

  /** The account's answer is not looked at, so it is not asked for. */
  async #manager(): Promise<JetStreamManager> {
    return jetstreamManager(this.bus.connection, { checkAPI: false });
  }
}

const spoken = z.looseObject({
  id: z.uuid().optional().catch(undefined),
  // It becomes part of a subject.
  type: z
    .string()
    .max(80)
    .regex(/^[a-z0-9_]+(\.[a-z0-9_]+)*$/)
    .optional()
    .catch(undefined),
});

/** One body an event; what cannot be read goes as it is. */
function bodiesOf(stored: StoredMsg): (string | Uint8Array)[] {
  try {
    return eventsIn(stored.string()).map((event) => JSON.stringify(event));
  } catch {
    return [stored.data];
  }
}

const saidBy = (message: JsMsg): { id?: string | undefined; type?: string | undefined } =>
  spoken.safeParse(parsedOrText(message.string())).data ?? {};

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
