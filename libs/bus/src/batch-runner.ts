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

const MAX_DELIVERIES = 8;
// An event that only waits for another one gets more patience: about four minutes.
const MAX_WAITS = 60;
const BACKOFF_MS = [200, 500, 1_000, 2_000, 5_000, 15_000, 30_000] as const;
const NOT_YET_MS = 500;
const DATABASE_RETRY_MS = 500;

/**
 * Runs a batch of messages: inbox rows, handlers and outbox rows in one transaction, then acknowledges. A batch that
 * fails is run again message by message, so that one bad message holds up nobody.
 */
export class BatchRunner {
  readonly #byName: ReadonlyMap<string, Reaction>;
  readonly #order: ReadonlyMap<Reaction, number>;
  readonly #stop = new AbortController();

  constructor(
    private readonly bus: Bus,
    private readonly deadLetters: DeadLetters,
    reactions: readonly Reaction[],
  ) {
    this.#byName = new Map(reactions.map((reaction) => [reaction.def.name, reaction]));
    this.#order = new Map(reactions.map((reaction, index) => [reaction, index]));
  }

  stop(): void {
    this.#stop.abort();
  }

  async run(messages: readonly JsMsg[]): Promise<void> {
    const arrived: Arrived[] = [];
    for (const message of messages) {
      const parsed = this.#parse(message);
      if (typeof parsed === 'string') await this.#bury(message, parsed);
      else arrived.push(parsed);
    }
    if (arrived.length === 0) return;
    try {
      await this.#apply(arrived);
      for (const { message } of arrived) message.ack();
    } catch (error) {
      if (arrived.length > 1 && !this.#stop.signal.aborted) {
        this.bus.log.warn(
          { err: error, events: arrived.length },
          'a batch failed; its events are handled one by one',
        );
        for (const one of arrived) await this.#runAlone(one);
      } else await this.#failed(arrived[0]!, error);
    }
  }

  #parse(message: JsMsg): Arrived | string {
    let raw: unknown;
    try {
      raw = JSON.parse(message.string());
    } catch {
      return 'is not JSON';
    }
    const type = (raw as { type?: unknown } | null)?.type;
    const reaction = typeof type === 'string' ? this.#byName.get(type) : undefined;
    if (!reaction) return `no handler for ${String(type)}`;
    const parsed = reaction.def.schema.safeParse(raw);
    if (!parsed.success)
      return `broke its contract: ${parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`;
    return { message, event: parsed.data as ParsedEvent, reaction };
  }

  async #runAlone(one: Arrived): Promise<void> {
    try {
      await this.#apply([one]);
      one.message.ack();
    } catch (error) {
      await this.#failed(one, error);
    }
  }

  /** The effects of these events, all or none. Waits while the database is away: that is no event's fault. */
  async #apply(arrived: readonly Arrived[]): Promise<void> {
    for (;;) {
      try {
        await this.bus.database.tx((tx) => this.#applyIn(tx, arrived));
        return;
      } catch (error) {
        if (!isDatabaseAway(error) || this.#stop.signal.aborted) throw error;
        this.bus.log.warn({ err: error }, 'the database is away; events wait');
        for (const { message } of arrived) message.working();
        await delay(DATABASE_RETRY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }

  async #applyIn(tx: Tx, arrived: readonly Arrived[]): Promise<void> {
    const rows = await tx.query<{ event_id: string }>(
      'insert into inbox (event_id) select unnest($1::uuid[]) on conflict do nothing returning event_id',
      [arrived.map((one) => one.event.id)],
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

  async #failed({ message, event }: Arrived, error: unknown): Promise<void> {
    const deliveries = message.info.deliveryCount;
    if (this.#stop.signal.aborted) return message.nak();
    if (error instanceof NotYet && deliveries < MAX_WAITS) return message.nak(NOT_YET_MS);
    if (deliveries >= MAX_DELIVERIES)
      return this.#bury(message, error instanceof Error ? error.message : String(error));
    this.bus.log.warn(
      { err: error, event: event.type, event_id: event.id, deliveries },
      'an event could not be handled; it comes again',
    );
    return message.nak(BACKOFF_MS[Math.min(deliveries, BACKOFF_MS.length) - 1] ?? NOT_YET_MS);
  }

  /** Gives up on a message, or, when even that cannot be written down, lets it come again. */
  async #bury(message: JsMsg, reason: string): Promise<void> {
    try {
      await this.deadLetters.bury(message, reason);
      message.term(reason.slice(0, 200));
    } catch (error) {
      this.bus.log.error({ err: error, reason }, 'a dead letter could not be written; the event comes again');
      message.nak(BACKOFF_MS.at(-1) ?? NOT_YET_MS);
    }
  }
}
