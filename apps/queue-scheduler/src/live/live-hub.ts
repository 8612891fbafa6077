import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Bus } from '@lineclear/bus';
import { isConcerned, principalChanged, principalsChanged, type Principal } from '@lineclear/contracts';
import { AppError, Clock, CONFIG, Database, LOGGER, Metrics, type Logger } from '@lineclear/kit';
import { Gauge } from 'prom-client';
import type { Config } from '../config.js';
import { EventFeed } from './event-feed.js';
import type { Place } from './event-id.js';
import type { LiveClient } from './live-client.js';
import { Owners } from './owners.js';

const LOOK_AT_STREAM_MS = 5_000;
const MAX_RECENT_BYTES = 16 * 1_048_576;
const IDLE_BEATS = 4;

/** As many connections are open as may be. */
export class NoRoom extends AppError {
  readonly status = 503;
  readonly code = 'no_room';
  readonly title = 'As many event streams are open as may be';
  override readonly level = 'warn';
  override readonly headers = { 'retry-after': '30' };
}

/** Feeds every open connection of this process from one reading of the stream, which exists while there is one, and a little longer. */
@Injectable()
export class LiveHub implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #clients = new Set<LiveClient>();
  readonly #openOf = new Map<number, number>();
  readonly #owners: Owners;
  #feed: Promise<EventFeed> | undefined;
  #idleBeats = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(
    private readonly bus: Bus,
    database: Database,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.#owners = new Owners(database, clock);
  }

  onApplicationBootstrap(): void {
    this.#heartbeat = setInterval(() => this.#beat(), this.config.LINECLEAR_EVENTS_HEARTBEAT_SECONDS * 1_000);
    this.#looking = setInterval(() => void this.#lookAtStream(), LOOK_AT_STREAM_MS);
    // What someone may see has changed, or the login is gone: coming back, they are looked at anew.
    this.bus.watch(principalChanged, ({ data }) =>
      this.#dropWhere((client) => client.principal.user_id === data.user_id),
    );
    this.bus.watch(principalsChanged, ({ data }) =>
      this.#dropWhere((client) => isConcerned(data, client.principal)),
    );
    const open = (): number => this.size;
    new Gauge({
      name: 'lineclear_event_streams_open',
      help: 'Connections that follow events',
      registers: [this.metrics.registry],
      collect() {
        this.set(open());
      },
    });
  }

  onModuleDestroy(): void {
    clearInterval(this.#heartbeat);
    clearInterval(this.#looking);
    this.#dropWhere(() => true);
    this.#stopReading();
  }

  /** @throws NoRoom when this process, or this person, has as many connections as may be. */
  requireRoom({ user_id }: Principal): void {
    const { LINECLEAR_EVENTS_CONNECTIONS: all, LINECLEAR_EVENTS_CONNECTIONS_PER_USER: each } = this.config;
    if (this.size >= all)
      throw new NoRoom(`${all} event streams are open here: try again, or another replica`);
    if ((this.#openOf.get(user_id) ?? 0) >= each)
      throw new NoRoom(`you have ${each} event streams open already`);
  }

  /** From now on the client gets what it may see, first what came after the last it had. @throws when the stream cannot be read. */
  async join(client: LiveClient, last: Place | undefined): Promise<void> {
    this.#clients.add(client);
    this.#count(client, 1);
    try {
      const feed = await this.#read();
      if (this.#clients.has(client)) client.follow(feed.recent, last);
    } catch (error) {
      this.leave(client);
      throw error;
    }
  }

  leave(client: LiveClient): void {
    if (this.#clients.delete(client)) this.#count(client, -1);
  }

  get size(): number {
    return this.#clients.size;
  }

  #count({ principal: { user_id } }: LiveClient, by: 1 | -1): void {
    const open = (this.#openOf.get(user_id) ?? 0) + by;
    if (open === 0) this.#openOf.delete(user_id);
    else this.#openOf.set(user_id, open);
  }

  async #read(): Promise<EventFeed> {
    return (this.#feed ??= this.#startReading());
  }

  #startReading(): Promise<EventFeed> {
    const feed = EventFeed.open({
      connection: this.bus.connection,
      owners: this.#owners,
      bounds: { events: this.config.LINECLEAR_EVENTS_KEPT, bytes: MAX_RECENT_BYTES },
      onNews: () => this.#clients.forEach((client) => client.news()),
    });
    feed.then(
      (begun) => void begun.ended().then(() => this.#ended(feed)),
      () => this.#ended(feed),
    );
    return feed;
  }

  #beat(): void {
    const now = this.clock.now();
    for (const client of this.#clients) client.heartbeat(now);
    this.#idleBeats = this.size === 0 ? this.#idleBeats + 1 : 0;
    if (this.#idleBeats >= IDLE_BEATS) this.#stopReading();
  }

  /** A reading whose stream was made anew may go on by itself, at a place that the new one reaches in a year: it is ended. */
  async #lookAtStream(): Promise<void> {
    try {
      const feed = await this.#feed;
      if (feed && !(await feed.isOfToday())) feed.stop();
    } catch (error) {
      this.log.debug({ err: error }, 'the stream could not be looked at');
    }
  }

  #ended(feed: Promise<EventFeed>): void {
    // One that was stopped may have a successor already.
    if (this.#feed !== feed) return;
    this.log.warn({ clients: this.size }, 'the live reading of the stream ended: clients come again');
    this.#feed = undefined;
    this.#dropWhere(() => true);
  }

  #stopReading(): void {
    const feed = this.#feed;
    this.#feed = undefined;
    feed?.then(
      (begun) => begun.stop(),
      () => undefined,
    );
  }

  #dropWhere(matches: (client: LiveClient) => boolean): void {
    for (const client of this.#clients) {
      if (!matches(client)) continue;
      this.leave(client);
      client.drop();
    }
  }
}
