import { ADVISORY_LOCKS, withDeadline, type Database, type Logger } from '@lineclear/kit';
import type { ServiceName } from '@lineclear/contracts';
import type { NatsConnection } from '@nats-io/transport-node';
import type pg from 'pg';
import type { Outbox } from './outbox.js';
import type { StreamPublisher } from './publisher.js';
import { repairLoss } from './stream-loss.js';

const BATCH = 100;
const POLL_MS = 250;
const RETRY_MS = 500;
const LOCK_DEADLINE_MS = 10_000;
const END_DEADLINE_MS = 2_000;
const CLEAN_EVERY_MS = 3_600_000;
const LOOK_AT_STREAM_EVERY_MS = 5_000;

/**
 * Carries messages from the outbox to the stream. It always reads what is still there from the start (places are not in
 * commit order, so "after the last one" would lose rows), sends it pipelined, and with the next reading puts away what
 * the stream has. One replica does this at a time, so events of one aggregate keep their order; another takes over when
 * it goes.
 */
export class Relay {
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #lock: pg.Client | undefined;
  #leads = false;
  #woken = false;
  /** On the stream, but still in the outbox: sent once more if this process ends now, and known there by their ids. */
  #out: readonly number[] = [];
  #wakeUp: (() => void) | undefined;

  constructor(
    private readonly parts: {
      database: Database;
      outbox: Outbox;
      connection: NatsConnection;
      publisher: StreamPublisher;
      service: ServiceName;
      log: Logger;
    },
  ) {}

  start(): void {
    // A replica that is not the relay tells the one that is.
    this.parts.connection.subscribe(`poke.${this.parts.service}`, {
      callback: () => {
        if (this.#leads) this.#signal();
      },
    });
    this.#running = this.#run();
  }

  /** Called after a commit that wrote to the outbox. The poll would find it too, later. */
  wake(): void {
    if (this.#leads) this.#signal();
    else if (!this.parts.connection.isClosed()) this.parts.connection.publish(`poke.${this.parts.service}`);
  }

  /** Ends after the batch under way: what is left in the outbox is the next relay's. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#wakeUp?.();
    await this.#running;
    await this.#putAway().catch(() => undefined);
    await this.#unlock();
  }

  #signal(): void {
    this.#woken = true;
    this.#wakeUp?.();
  }

  async #run(): Promise<void> {
    let cleanedAt = 0;
    let lookedAt = 0;
    while (!this.#stop.signal.aborted) {
      try {
        this.#leads = await this.#tryToLead();
        if (!this.#leads) {
          this.#woken = false;
          await this.#pause(1_000);
          continue;
        }
        if (Date.now() - lookedAt > LOOK_AT_STREAM_EVERY_MS) {
          // First: later it could not be told from what the stream has now.
          await this.#putAway();
          await repairLoss(this.parts);
          lookedAt = Date.now();
        }
        const more = await this.#carryBatch();
        // A little each time: messages do not wait for it.
        if (Date.now() - cleanedAt > CLEAN_EVERY_MS && !(await this.parts.outbox.purge()))
          cleanedAt = Date.now();
        if (!more) await this.#pause(POLL_MS);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.parts.log.warn({ err: error }, 'the outbox relay waits and tries again');
        await this.#unlock();
        // Else a failure that comes back at once (the stream is away, more is committed) would be a busy loop.
        this.#woken = false;
        await this.#pause(RETRY_MS);
      }
    }
  }

  /** One relay per database works at a time; whoever holds the lock is it. */
  async #tryToLead(): Promise<boolean> {
    if (!this.#lock) {
      const lock = await this.parts.database.dedicated();
      // The lock is the connection's: when that breaks, this replica is the relay no longer.
      lock.on('error', () => this.#lost(lock));
      lock.on('end', () => this.#lost(lock));
      this.#lock = lock;
      this.#leads = false;
    }
    if (this.#leads) return true;
    const { rows } = await withDeadline(
      this.#lock.query<{ ok: boolean }>('select pg_try_advisory_lock($1) as ok', [ADVISORY_LOCKS.relay]),
      LOCK_DEADLINE_MS,
    );
    return rows[0]?.ok ?? false;
  }

  async #unlock(): Promise<void> {
    const lock = this.#lock;
    this.#leadsNoMore();
    // A connection whose other end is gone does not end by itself.
    if (lock) await withDeadline(lock.end(), END_DEADLINE_MS).catch(() => undefined);
  }

  #lost(lock: pg.Client): void {
    if (this.#lock === lock) this.#leadsNoMore();
  }

  #leadsNoMore(): void {
    this.#lock = undefined;
    this.#leads = false;
    // The next relay's by now, and perhaps on another stream.
    this.#out = [];
  }

  /** Carries one batch; true when there may be more. */
  async #carryBatch(): Promise<boolean> {
    this.#woken = false;
    const { outbox, publisher } = this.parts;
    const waiting = await outbox.next(this.#out, BATCH);
    this.#out = [];
    if (waiting.length === 0) return false;
    const acked = await publisher.publish(waiting);
    if (!this.#leads) return false;
    this.#out = waiting.filter((_, index) => acked[index]).map(({ place }) => place);
    const refused = waiting.length - this.#out.length;
    if (refused > 0) {
      await this.#putAway();
      throw new Error(`the stream did not take ${refused} of ${waiting.length} messages`);
    }
    return waiting.length === BATCH || this.#woken;
  }

  async #putAway(): Promise<void> {
    if (this.#out.length > 0) await this.parts.outbox.next(this.#out, 0);
    this.#out = [];
  }

  async #pause(ms: number): Promise<void> {
    if (this.#woken || this.#stop.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeUp = undefined;
  }
}
