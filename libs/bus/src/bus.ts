import {
  SAID_BY_ALL,
  WIRING,
  eventsIn,
  type EventData,
  type EventDef,
  type EventOf,
  type ServiceName,
} from '@lineclear/contracts';
import { currentTraceparent, type Database, type Logger, type Tx } from '@lineclear/kit';
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import { newEventId } from './event-id.js';
import { pack, type OutboxMessage } from './messages.js';
import { Outbox } from './outbox.js';
import { StreamPublisher } from './publisher.js';
import { Relay } from './relay.js';

/** Half of what NATS takes by default: above it, the outbox would hold what can never leave. */
const MAX_EVENT_BYTES = 524_288;

export interface Outgoing<D extends EventDef = EventDef> {
  readonly def: D;
  readonly data: EventData<D>;
  /** The aggregate it is about: `job/job_…`, `user/12`. Events about one aggregate reach the stream in order. */
  readonly about: string;
  /** The aggregate's version after the change. */
  readonly version?: number;
  /** The trace it belongs to, where that is not the running one. */
  readonly traceparent?: string | undefined;
}

/** When a service handles an event: judged by the event, or by its kind alone. */
export interface Condition<D extends EventDef> {
  readonly kind?: () => boolean | Promise<boolean>;
  readonly event?: (event: EventOf<D>) => boolean | Promise<boolean>;
}

/** Names an event to publish, with its data checked against its contract's type. */
export const event = <D extends EventDef>(
  def: D,
  data: EventData<D>,
  rest: Omit<Outgoing, 'def' | 'data'>,
): Outgoing => ({ def, data, ...rest });

/** One door to NATS: publish in a transaction, watch live, and what the consumers and requests build on. */
export class Bus {
  readonly publisher: StreamPublisher;
  readonly #outbox: Outbox;
  readonly #conditions = new Map<string, Condition<never>>();
  readonly #relay: Relay;

  constructor(
    readonly service: ServiceName,
    readonly connection: NatsConnection,
    readonly database: Database,
    readonly log: Logger,
  ) {
    this.publisher = new StreamPublisher(connection, `_INBOX.${service}`);
    this.#outbox = new Outbox(database);
    const { publisher } = this;
    this.#relay = new Relay({ database, outbox: this.#outbox, connection, publisher, service, log });
  }

  /** Starts carrying the outbox to the stream. */
  start(): void {
    this.#relay.start();
  }

  /**
   * Writes events to the outbox in the transaction of the change they tell of: they are published if, and only if, it
   * commits. @throws ZodError when data breaks its contract, Error when an event is too large for NATS.
   */
  async publish(tx: Tx, ...events: readonly Outgoing[]): Promise<void> {
    if (events.length === 0) return;
    const allowed = WIRING[this.service].publishes;
    const written = events.map((outgoing) => {
      const { def, about } = outgoing;
      if (!SAID_BY_ALL.includes(def) && !allowed.includes(def))
        throw new Error(`${this.service} does not declare that it publishes ${def.name}`);
      const id = newEventId();
      const body = JSON.stringify(this.#envelope(id, outgoing));
      if (Buffer.byteLength(body) > MAX_EVENT_BYTES)
        throw new Error(`${def.name} is larger than ${MAX_EVENT_BYTES} bytes`);
      return { id, subject: def.subject, about, body };
    });
    await this.send(tx, pack(written));
  }

  /**
   * Has events of this kind handled only if `condition` says so; others are acknowledged at the cost of being read, or of
   * not even that when the kind alone decides. It may know no more than a handler could as well have seen a moment later.
   */
  handleOnlyIf<D extends EventDef>(def: D, condition: Condition<D>): void {
    this.#conditions.set(def.subject, condition);
  }

  /** Whether events of this subject may be wanted. When in doubt they are: their handler will see what is wrong. */
  async wantsKind(subject: string): Promise<boolean> {
    return this.#says(async () => this.#conditions.get(subject)?.kind?.(), subject);
  }

  async wants(event: { readonly type: string }): Promise<boolean> {
    const subject = `lineclear.${event.type}`;
    if (!(await this.wantsKind(subject))) return false;
    return this.#says(async () => this.#conditions.get(subject)?.event?.(event as never), subject);
  }

  async #says(asked: () => Promise<boolean | undefined>, subject: string): Promise<boolean> {
    try {
      return (await asked()) ?? true;
    } catch (error) {
      this.log.debug({ err: error, subject }, 'whether an event is wanted could not be told');
      return true;
    }
  }

  /** Writes messages to the outbox as they are. */
  async send(tx: Tx, messages: readonly OutboxMessage[]): Promise<void> {
    tx.afterCommit(() => this.#relay.wake());
    await this.#outbox.add(tx, messages);
  }

  #envelope(id: string, { def, data, about, version, traceparent = currentTraceparent() }: Outgoing): object {
    return {
      specversion: '1.0',
      id,
      type: def.name,
      source: `lineclear/${this.service}`,
      time: new Date().toISOString(),
      subject: about,
      ...(version === undefined ? {} : { sequence: version }),
      ...(traceparent === undefined ? {} : { traceparent }),
      data: def.data.parse(data),
    };
  }

  /**
   * Calls `react` in this process for each event from now on, with no durability: for caches and live views, which
   * every replica has its own of. A broken event is logged and left out.
   */
  watch<D extends EventDef>(def: D, react: (event: EventOf<D>) => void): Subscription {
    return this.connection.subscribe(def.subject, {
      callback: (error, msg) => {
        if (error) return;
        for (const raw of eventsOrNull(msg.string())) {
          const parsed = def.schema.safeParse(raw);
          if (parsed.success) react(parsed.data as EventOf<D>);
          else
            this.log.error({ err: parsed.error, subject: def.subject }, 'a watched event broke its contract');
        }
      },
    });
  }

  /** Calls `react` whenever NATS is back after it was away: of what happened meanwhile, those who watch were not told. */
  afterSilence(react: () => void): void {
    void (async () => {
      for await (const { type } of this.connection.status()) if (type === 'reconnect') react();
    })();
  }

  async close(): Promise<void> {
    await this.#relay.close();
    this.publisher.close();
    await this.connection.drain();
  }
}

function eventsOrNull(text: string): unknown[] {
  try {
    return eventsIn(text);
  } catch {
    return [null];
  }
}
