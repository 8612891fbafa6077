import { setTimeout as delay } from 'node:timers/promises';
import type { EventDef } from '@lineclear/contracts';
import { inSpan, inWork, isDatabaseAway, type Tx } from '@lineclear/kit';
import type { JsMsg } from '@nats-io/jetstream';
import { SpanKind } from '@opentelemetry/api';
import type { Bus } from './bus.js';
import type { DeadLetters } from './dead-letters.js';
import { NotYet } from './on-event.js';

/** A declared event with its handler: of one event, or of all that arrived together. */
export interface Reaction {
  readonly def: EventDef;
  readonly batch: boolean;
  readonly handle: (given: unknown, tx: Tx) => Promise<void>;
}

interface Arrived {
  readonly message: JsMsg;
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

/**
 * Runs a batch of messages: inbox rows, handlers and outbox rows in one transaction, then acknowledges. A batch that
 * fails is run again in halves, and what failed is remembered and comes alone next time, so that one bad message
 * holds up nobody.
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
      const parsed = this.#parse(message);
      if (typeof parsed === 'string') await this.#bury(message, parsed);
      else if (parsed instanceof Error) await this.#failed(message, parsed);
      else arrived.push(parsed);
    }
    const failedBefore = arrived.filter(({ message }) => this.#failures.has(keyOf(message)));
    const others = arrived.filter((one) => !failedBefore.includes(one));
    for (const one of failedBefore) await this.#runTogether([one]);
    await this.#runTogether(others);
  }

  async #runTogether(arrived: readonly Arrived[]): Promise<void> {
    if (arrived.length === 0) return;
    try {
      await this.#apply(arrived);
    } catch (error) {
      if (this.#stop.signal.aborted) for (const { message } of arrived) message.nak();
      else if (arrived.length === 1) await this.#failed(arrived[0]!.message, error);
      else {
        this.bus.log.warn({ err: error, events: arrived.length }, 'a batch failed; it is run in halves');
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

  /** The event, or what is wrong with it for ever (text), or for this release only (error). */
  #parse(message: JsMsg): Arrived | string | Error {
    let raw: unknown;
    try {
      raw = JSON.parse(message.string());
    } catch {
      return 'is not JSON';
    }
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
    return { message, event: { ...event, id: event.id.toLowerCase() }, reaction };
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
    const rows = await tx.query<{ event_id: string }>(
      'insert into inbox (event_id) select unnest($1::uuid[]) on conflict do nothing returning event_id',
      // Sorted: two replicas with the same redelivered events take the rows in the same order.
      [arrived.map((one) => one.event.id).sort()],
    );
    const fresh = new Set(rows.map((row) => row.event_id));
    const groups = new Map<Reaction, Arrived[]>();
    for (const one of arrived) {
      // A message may be in the batch twice (redelivered): its effects once.
      if (!fresh.delete(one.event.id)) continue;
      const group = groups.get(one.reaction);
      if (group) group.push(one);
      else groups.set(one.reaction, [one]);
    }
    // In the order in which the service declares its events: the order of their life.
    const inOrder = [...groups].sort(([a], [b]) => (this.#order.get(a) ?? 0) - (this.#order.get(b) ?? 0));
    for (const [reaction, group] of inOrder) {
      if (reaction.batch)
        await reaction.handle(
          group.map((one) => one.event),
          tx,
        );
      else for (const one of group) await this.#handleOne(one, tx);
    }
  }

  async #handleOne({ event, reaction }: Arrived, tx: Tx): Promise<void> {
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
