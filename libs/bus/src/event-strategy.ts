import { setTimeout as delay } from 'node:timers/promises';
import { WIRING, type EventDef } from '@lineclear/contracts';
import { withDeadline } from '@lineclear/kit';
import { jetstream, type Consumer, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { BatchRunner, type Reaction } from './batch-runner.js';
import type { Bus } from './bus.js';
import { DeadLetters } from './dead-letters.js';
import { EVENTS_TRANSPORT } from './on-event.js';
import { EVENTS_STREAM, ensureStreams } from './streams.js';

const MAX_BATCH = 64;
// Messages held here, at most: more stay on the stream.
const MAX_BUFFERED = 256;
const RETRY_MS = 1_000;

/** Nest's transport for durable events: what has arrived is handled as one batch, one batch at a time. */
export class EventStrategy extends Server implements CustomTransportStrategy {
  override readonly transportId = EVENTS_TRANSPORT;
  readonly #buffer: JsMsg[] = [];
  #messages: ConsumerMessages | undefined;
  #consuming: Promise<void> | undefined;
  #roomMade: (() => void) | undefined;
  #draining: Promise<void> | undefined;
  #runner: BatchRunner;
  #closed = false;

  constructor(
    private readonly bus: Bus,
    private readonly deadLetters: DeadLetters,
  ) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.#open().then(
      () => callback(),
      (error: unknown) => callback(error),
    );
  }

  async #open(): Promise<void> {
    this.#runner = new BatchRunner(this.bus, this.deadLetters, this.#reactions(), () => this.#buffer);
    await ensureStreams(this.bus.connection, this.bus.service);
    this.bus.start();
    if (WIRING[this.bus.service].consumes.length > 0) this.#consuming = this.#consume();
  }

  /** What this service declares to consume, each with its one handler; anything else stops the boot. */
  #reactions(): Reaction[] {
    const { consumes } = WIRING[this.bus.service];
    const handlers = new Map(this.messageHandlers);
    const reactions = consumes.map((def): Reaction => {
      const handler = handlers.get(def.subject);
      if (!handler)
        throw new Error(
          `${this.bus.service} declares that it consumes ${def.name}, but no method is marked @OnEvent for it`,
        );
      if (handler.next) throw new Error(`${this.bus.service} has two handlers for ${def.name}`);
      handlers.delete(def.subject);
      return {
        def,
        batch: Boolean(handler.extras?.['batch']),
        handle: (given, tx) => call(handler, given, tx),
      };
    });
    const [undeclared] = handlers.values();
    if (undeclared)
      throw new Error(
        `${this.bus.service} handles ${(undeclared.extras?.['def'] as EventDef | undefined)?.name}, which it does not declare to consume`,
      );
    return reactions;
  }

  /** Fetches as much as there is room for. If the stream or the consumer is gone (the server lost its storage), both are made again. */
  async #consume(): Promise<void> {
    while (!this.#closed) {
      try {
        const consumer = await jetstream(this.bus.connection).consumers.get(EVENTS_STREAM, this.bus.service);
        while (!this.#closed) await this.#fetch(consumer);
      } catch (error) {
        if (this.#closed) return;
        this.bus.log.warn({ err: error }, 'the event consumer failed: making it again');
        await ensureStreams(this.bus.connection, this.bus.service).catch(() => delay(RETRY_MS));
      }
    }
  }

  async #fetch(consumer: Consumer): Promise<void> {
    while (this.#buffer.length > MAX_BUFFERED / 2 && !this.#closed)
      await new Promise<void>((resolve) => {
        this.#roomMade = resolve;
      });
    if (this.#closed) return;
    this.#messages = await consumer.fetch({ max_messages: MAX_BUFFERED - this.#buffer.length });
    for await (const message of this.#messages) {
      this.#buffer.push(message);
      this.#draining ??= this.#drain();
    }
  }

  async #drain(): Promise<void> {
    // What arrives in the same turn of the event loop belongs to the same batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#buffer.length > 0 && !this.#closed) {
      await this.#runner.run(this.#buffer.splice(0, MAX_BATCH));
      this.#roomMade?.();
    }
    this.#draining = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#runner?.stop();
    this.#messages?.stop();
    this.#roomMade?.();
    // It may be waiting for a server that is away.
    if (this.#consuming) await withDeadline(this.#consuming, RETRY_MS).catch(() => undefined);
    await this.#draining;
    // Not started here: another replica can have them at once.
    for (const message of this.#buffer.splice(0)) message.nak();
  }

  override on(): never {
    throw new Error('the event strategy has no events of its own');
  }

  override unwrap<T>(): T {
    return this.bus as T;
  }
}

async function call(handler: MessageHandler, given: unknown, tx: unknown): Promise<void> {
  const result: unknown = await handler(given, tx);
  if (result && typeof result === 'object' && 'subscribe' in result)
    await lastValueFrom(result as never, { defaultValue: undefined });
}
