import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Owner } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { isConcerned, principalChanged, principalsChanged } from '@lineclear/contracts';
import { Clock, Database, LOGGER, TtlCache, type Logger } from '@lineclear/kit';
import { hasReached, lifeOfStream, readEvents, type Reading } from './event-stream.js';
import type { LiveClient } from './live-client.js';
import type { LiveEvent } from './visible-event.js';

const HEARTBEAT_MS = 15_000;
const LOOK_AT_STREAM_MS = 5_000;
const OWNER_TTL_MS = 3_600_000;
const MAX_OWNERS = 20_000;

/** Feeds every open connection of this process from one reading of the stream, which exists while there is one. */
@Injectable()
export class LiveHub implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #clients = new Set<LiveClient>();
  readonly #owners: TtlCache<Owner>;
  #reading: Promise<Reading> | undefined;
  /** Events one after the other, also when the owner of one must be looked up. */
  #order = Promise.resolve();
  #heartbeat: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly database: Database,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.#owners = new TtlCache({ clock, ttlMs: OWNER_TTL_MS, maxEntries: MAX_OWNERS });
  }

  onApplicationBootstrap(): void {
    this.#heartbeat = setInterval(
      () => this.#clients.forEach((client) => client.heartbeat(this.clock.now())),
      HEARTBEAT_MS,
    );
    this.#looking = setInterval(() => void this.#lookAtStream(), LOOK_AT_STREAM_MS);
    // What someone may see has changed, or the login is gone: coming back, they are looked at anew.
    this.bus.watch(principalChanged, ({ data }) =>
      this.#dropWhere((client) => client.principal.user_id === data.user_id),
    );
    this.bus.watch(principalsChanged, ({ data }) =>
      this.#dropWhere((client) => isConcerned(data, client.principal)),
    );
  }

  onModuleDestroy(): void {
    clearInterval(this.#heartbeat);
    clearInterval(this.#looking);
    this.#dropWhere(() => true);
    this.#stopIfIdle();
  }

  /** From now on the client gets what it may see; first what came after `resumeAfter`, or all if that was on a stream that was lost. @throws when the stream cannot be read. */
  async join(client: LiveClient, resumeAfter: number | undefined): Promise<void> {
    this.#clients.add(client);
    try {
      await this.#read();
      if (resumeAfter === undefined) return;
      const isKnown = await hasReached(this.bus.connection, resumeAfter);
      if (!isKnown) client.startOver();
      await this.#replay(client, isKnown ? resumeAfter : 0);
    } catch (error) {
      this.leave(client);
      throw error;
    }
  }

  leave(client: LiveClient): void {
    this.#clients.delete(client);
    this.#stopIfIdle();
  }

  get size(): number {
    return this.#clients.size;
  }

  async #read(): Promise<void> {
    this.#reading ??= this.#startReading();
    await this.#reading;
  }

  #startReading(): Promise<Reading> {
    const reading = readEvents(this.bus.connection, undefined, (events) => {
      for (const event of events) this.#order = this.#order.then(() => this.#spread(event));
    }).then((begun) => {
      void begun.messages.closed().then(() => this.#ended(reading));
      return begun;
    });
    reading.catch(() => this.#ended(reading));
    return reading;
  }

  /** A reading whose stream was made anew may go on by itself, at a place that the new one reaches in a year: it is ended. */
  async #lookAtStream(): Promise<void> {
    try {
      const reading = await this.#reading;
      if (reading && (await lifeOfStream(this.bus.connection)) !== reading.life) reading.messages.stop();
    } catch (error) {
      this.log.debug({ err: error }, 'the stream could not be looked at');
    }
  }

  #ended(reading: Promise<Reading>): void {
    // One that was stopped may have a successor already.
    if (this.#reading !== reading) return;
    this.log.warn(
      { clients: this.#clients.size },
      'the live reading of the stream ended: clients come again',
    );
    this.#reading = undefined;
    this.#dropWhere(() => true);
  }

  #stopIfIdle(): void {
    if (this.#clients.size > 0 || this.#reading === undefined) return;
    const reading = this.#reading;
    this.#reading = undefined;
    reading.then(
      ({ messages }) => messages.stop(),
      () => undefined,
    );
  }

  #dropWhere(matches: (client: LiveClient) => boolean): void {
    for (const client of this.#clients) {
      if (!matches(client)) continue;
      this.#clients.delete(client);
      client.drop();
    }
  }

  async #spread(event: LiveEvent): Promise<void> {
    const owner = await this.#ownerOf(event);
    for (const client of this.#clients) client.live(event, owner);
  }

  /** Sends what is on the stream since `after`, as fast as the client reads, then lets it join the live ones. */
  async #replay(client: LiveClient, after: number): Promise<void> {
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    let order = Promise.resolve();
    const { messages, waiting } = await readEvents(this.bus.connection, after, (events, stillWaiting) => {
      order = order.then(async () => {
        for (const event of events) client.past(event, await this.#ownerOf(event));
        if (client.isSlow) await client.drained();
        if (stillWaiting === 0 || !this.#clients.has(client)) finish();
      });
    });
    if (waiting === 0) finish();
    const ended = messages.closed();
    const isComplete = await Promise.race([finished.then(() => true), ended.then(() => false)]);
    if (isComplete) client.caughtUp();
    // It would have a gap.
    else client.drop();
    messages.stop();
  }

  async #ownerOf({ jobId, owner }: LiveEvent): Promise<Owner | undefined> {
    if (owner !== undefined) {
      this.#owners.set(jobId, owner);
      return owner;
    }
    const known = this.#owners.get(jobId);
    if (known !== undefined) return known;
    try {
      const [row] = await this.database.query<Owner>(
        'select user_id as "userId", org_id as "orgId" from jobs where id = $1',
        [jobId],
      );
      if (row) this.#owners.set(jobId, row);
      return row;
    } catch (error) {
      this.log.warn({ err: error }, 'an event is not shown to the owner of its job: the database is away');
      return undefined;
    }
  }
}
