import { setTimeout as delay } from 'node:timers/promises';
import { eventsIn, type EventDef } from '@lineclear/contracts';
import { inSpan, inWork, isDatabaseAway, type Tx } from '@lineclear/kit';
import type { JsMsg } from '@nats-io/jetstream';
import { SpanKind } from '@opentelemetry/api';
import { z } from 'zod';
import type { Bus } from './bus.js';
import type { DeadLetters } from './dead-letters.js';
import { newEventId } from './event-id.js';
import { NotYet } from './on-event.js';
import { replaySubject } from './streams.js';

/** A declared event with its handler: of one event, or of all that arrived together. */
export interface Reaction {
  readonly def: EventDef;
  readonly batch: boolean;
  readonly handle: (given: unknown, tx: Tx) => Promise<void>;
}

/** A message whose events are all known and valid. */
interface Arrived {
  readonly message: JsMsg;
  /** What the inbox knows it by. */
  readonly id: string;
  readonly events: readonly Known[];
}
interface Known {
  readonly event: ParsedEvent;
  readonly reaction: Reaction;
}
interface ParsedEvent {
  readonly id: string;
  readonly type: string;
  readonly traceparent?: string;
}

const MAX_FAILURES = 8;
// Deliveries also count what is no failure (waiting, restarts, a database away), so they decide only far out, for
// an event that brings down each process that touches it.
const MAX_DELIVERIES = 500;
// An event that only waits for another one gets more patience; the deliveries make sure that what is old because this
// service was away has waited here too.
const MAX_WAIT_MS = 3_600_000;
const MIN_WAITS = 20;
const BACKOFF_MS = [200, 500, 1_000, 2_000, 5_000, 15_000, 30_000] as const;
const WAIT_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000] as const;
const MAX_REMEMBERED = 10_000;
const DATABASE_RETRY_MS = 500;
// Well below the time after which the server gives unacknowledged events to someone else.
const WORKING_EVERY_MS = 10_000;

// Sequences start again when the server lost its storage.
const keyOf = (message: JsMsg): string => `${message.seq}@${message.timestampNanos}`;
const stepOf = (steps: readonly number[], nth: number): number =>
  steps[Math.min(Math.max(nth, 1), steps.length) - 1]!;

/** Notes that these messages are handled, and says which were not before. */
async function takeIn(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  const rows = await tx.query<{ message_id: string }>(
    'insert into inbox (message_id) select unnest($1::uuid[]) on conflict do nothing returning message_id',
    // Sorted: two replicas with the same redelivered messages take the rows in the same order.
    [ids.toSorted()],
  );
  return new Set(rows.map((row) => row.message_id));
}

/**
 * Runs a batch of messages: inbox rows, handlers and outbox rows in one transaction, then acknowledges. A batch that
 * fails is run again in halves, and what failed is remembered and comes alone next time, so that one bad event
 * holds up nobody; a message of several events that fails alone is taken apart.
 */
export class BatchRunner {
  readonly #byName: ReadonlyMap<string, Reaction>;
  readonly #order: ReadonlyMap<Reaction, number>;
  readonly #stop = new AbortController();
  #running: readonly JsMsg[] = [];
  /** How often messages failed here; 0 for one that only waits. */
  readonly #failures = new Map<string, number>();

  constructor(
    private readonly bus: Bus,
    private readonly deadLetters: DeadLetters,
    reactions: readonly Reaction[],
    /** What has arrived and waits for its batch. */
    private readonly waiting: () => readonly JsMsg[] = () => [],
  ) {
    this.#byName = new Map(reactions.map((reaction) => [reaction.def.name, reaction]));
    this.#order = new Map(reactions.map((reaction, index) => [reaction, index]));
  }

  stop(): void {
    this.#stop.abort();
  }

  async run(messages: readonly JsMsg[]): Promise<void> {
    this.#running = messages;
    const arrived: Arrived[] = [];
    for (const message of messages) {
      if (!(await this.bus.wantsKind(message.subject))) {
        message.ack();
        continue;
      }
      const parsed = this.#parse(message);
      if (typeof parsed === 'string') await this.#bury(message, parsed);
      else if (parsed instanceof Error) await this.#failed(message, parsed);
      else if (parsed.events.length === 0) await this.#takeApart(message, parsed.id);
      else arrived.push(parsed);
    }
    const wanted = await this.#wanted(arrived);
    const failedBefore = wanted.filter(({ message }) => this.#failures.has(keyOf(message)));
    const others = wanted.filter((one) => !failedBefore.includes(one));
    for (const one of failedBefore) await this.#runTogether([one]);
    await this.#runTogether(others);
  }

  /** The messages with those of their events that this service wants; the others are done with. */
  async #wanted(arrived: readonly Arrived[]): Promise<Arrived[]> {
    const wanted: Arrived[] = [];
    for (const one of arrived) {
      const events: Known[] = [];
      for (const known of one.events) if (await this.bus.wants(known.event)) events.push(known);
      if (events.length > 0) wanted.push({ ...one, events });
      else one.message.ack();
    }
    return wanted;
  }

  async #runTogether(arrived: readonly Arrived[]): Promise<void> {
    if (arrived.length === 0) return;
    try {
      await this.#apply(arrived);
    } catch (error) {
      if (this.#stop.signal.aborted) for (const { message } of arrived) message.nak();
      else if (arrived.length === 1) {
        const [{ message, id, events }] = arrived as readonly [Arrived];
        if (events.length > 1) await this.#takeApart(message, id);
        else await this.#failed(message, error);
      } else {
        this.bus.log.warn({ err: error, messages: arrived.length }, 'a batch failed; it is run in halves');
        const middle = arrived.length >> 1;
        await this.#runTogether(arrived.slice(0, middle));
        await this.#runTogether(arrived.slice(middle));
      }
      return;
    }
    for (const { message } of arrived) {
      message.ack();
      if (this.#failures.size > 0) this.#failures.delete(keyOf(message));
    }
  }

  /**
   * The message with its events, or with none when one of several cannot be handled; or what is wrong with it for ever
   * (text), or for this release only (error).
   */
  #parse(message: JsMsg): Arrived | string | Error {
    let raw: unknown;
    try {
      raw = JSON.parse(message.string());
    } catch {
      return 'is not JSON';
    }
    if (!Array.isArray(raw)) {
      const known = this.#known(raw);
      if (typeof known === 'string' || known instanceof Error) return known;
      return { message, id: known.event.id, events: [known] };
    }
    const id = z.uuid().safeParse(message.headers?.get('Nats-Msg-Id'));
    if (!id.success) return 'holds several events and has no id of its own';
    const events: Known[] = [];
    for (const one of raw) {
      const known = this.#known(one);
      if (typeof known === 'string' || known instanceof Error) return { message, id: id.data, events: [] };
      events.push(known);
    }
    return { message, id: id.data, events };
  }

  #known(raw: unknown): Known | string | Error {
    const type = (raw as { type?: unknown } | null)?.type;
    if (typeof type !== 'string') return 'has no type';
    const reaction = this.#byName.get(type);
    // While releases change, an older replica gets what only a newer one knows.
    if (!reaction) return new Error(`no handler for ${type.slice(0, 80)}`);
    const parsed = reaction.def.schema.safeParse(raw);
    if (!parsed.success)
      return `broke its contract: ${parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`;
    const event = parsed.data as ParsedEvent;
    // As Postgres will give it back.
    return { event: { ...event, id: event.id.toLowerCase() }, reaction };
  }

  /** Has the events of a message that cannot be handled together come again one by one, to this service alone. */
  async #takeApart(message: JsMsg, id: string): Promise<void> {
    const events = eventsIn(message.string());
    try {
      await this.bus.database.tx(async (tx) => {
        if ((await takeIn(tx, [id])).size === 0) return;
        const subject = replaySubject(this.bus.service);
        await this.bus.send(
          tx,
          events.map((event) => ({ id: newEventId(), subject, body: JSON.stringify(event) })),
        );
      });
      message.ack();
      this.#failures.delete(keyOf(message));
    } catch (error) {
      await this.#failed(message, error);
    }
  }

  /** The effects of these events, all or none. Waits while the database is away: that is no event's fault. */
  async #apply(arrived: readonly Arrived[]): Promise<void> {
    let toldAt = 0;
    for (;;) {
      try {
        await this.bus.database.tx((tx) => this.#applyIn(tx, arrived));
        return;
      } catch (error) {
        if (!isDatabaseAway(error) || this.#stop.signal.aborted) throw error;
        if (Date.now() - toldAt > WORKING_EVERY_MS) {
          toldAt = Date.now();
          this.bus.log.warn({ err: error }, 'the database is away; events wait');
          for (const message of [...this.#running, ...this.waiting()]) message.working();
        }
        await delay(DATABASE_RETRY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }

  async #applyIn(tx: Tx, arrived: readonly Arrived[]): Promise<void> {
    const fresh = await takeIn(
      tx,
      arrived.map(({ id }) => id),
    );
    const groups = new Map<Reaction, ParsedEvent[]>();
    for (const { id, events } of arrived) {
      // A message may be in the batch twice (redelivered): its effects once.
      if (!fresh.delete(id)) continue;
      for (const { event, reaction } of events) {
        const group = groups.get(reaction);
        if (group) group.push(event);
        else groups.set(reaction, [event]);
      }
    }
    // In the order in which the service declares its events: the order of their life.
    const inOrder = [...groups].sort(([a], [b]) => (this.#order.get(a) ?? 0) - (this.#order.get(b) ?? 0));
    for (const [reaction, group] of inOrder) {
      if (reaction.batch) await reaction.handle(group, tx);
      else for (const event of group) await this.#handleOne(event, reaction, tx);
    }
  }

  async #handleOne(event: ParsedEvent, reaction: Reaction, tx: Tx): Promise<void> {
    await inWork({ event_id: event.id }, () =>
      inSpan(`handle ${event.type}`, { kind: SpanKind.CONSUMER, traceparent: event.traceparent }, () =>
        reaction.handle(event, tx),
      ),
    );
  }

  async #failed(message: JsMsg, error: unknown): Promise<void> {
    const deliveries = message.info.deliveryCount;
    const failures = this.#remember(message, error instanceof NotYet ? 0 : 1);
    const over =
      error instanceof NotYet
        ? deliveries >= MIN_WAITS && Date.now() - message.time.getTime() > MAX_WAIT_MS
        : failures >= MAX_FAILURES || deliveries >= MAX_DELIVERIES;
    if (over) return this.#bury(message, error instanceof Error ? error.message : String(error));
    if (error instanceof NotYet) return message.nak(stepOf(WAIT_MS, deliveries));
    this.bus.log.warn(
      { err: error, subject: message.subject, seq: message.seq, failures, deliveries },
      'an event could not be handled; it comes again',
    );
    return message.nak(stepOf(BACKOFF_MS, failures));
  }

  #remember(message: JsMsg, more: number): number {
    const key = keyOf(message);
    const failures = (this.#failures.get(key) ?? 0) + more;
    this.#failures.delete(key);
    this.#failures.set(key, failures);
    // The one that was not heard of for longest, here, goes: another replica may have handled it.
    if (this.#failures.size > MAX_REMEMBERED) this.#failures.delete(this.#failures.keys().next().value!);
    return failures;
  }

  /** Gives up on a message, or, when even that cannot be written down, lets it come again. */
  async #bury(message: JsMsg, reason: string): Promise<void> {
    try {
      await this.deadLetters.bury(message, reason);
      message.term(reason.slice(0, 200));
      this.#failures.delete(keyOf(message));
    } catch (error) {
      this.bus.log.error({ err: error, reason }, 'a dead letter could not be written; the event comes again');
      message.nak(BACKOFF_MS.at(-1));
    }
  }
}
