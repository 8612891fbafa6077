import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Bus, type Outgoing } from '@lineclear/bus';
import {
  AppError,
  currentRequest,
  currentTraceparent,
  Database,
  LOGGER,
  NotAllowed,
  NotAuthenticated,
  TooMany,
  type Logger,
  type RequestWork,
} from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';
import { entryOf } from './audited.js';

const WINDOW_MS = 60_000;
/** Kinds of refusals that are told apart within a minute: whoever comes from ever new addresses fills no memory and no log. */
export const MAX_KINDS = 1_000;
const OTHERS = 'others';

interface Kind {
  readonly request: RequestWork | undefined;
  readonly details: { readonly method?: string; readonly route?: string; readonly reason: string };
  /** Those that were not told of yet. */
  more: number;
}

/**
 * Tells the audit log who was refused what. The first refusal of a kind is told at once; others of the same person or
 * address, route and reason are counted, and told of together when the minute is over.
 */
@Injectable()
export class Refusals implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #kinds = new Map<string, Kind>();
  #untold: Outgoing[] = [];
  #telling: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.endMinute(), WINDOW_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.endMinute();
  }

  /** To be called with what leaves a route, where the request runs. */
  note(error: unknown, request: FastifyRequest): void {
    const work = currentRequest();
    // It has been told what was refused, in better words.
    if (!isRefusal(error) || work?.recorded === 'refused') return;
    const details = {
      method: request.method,
      // Never the address as it was sent: people put secrets there.
      route: request.routeOptions.url ?? '?',
      reason: error.message,
    };
    const key = JSON.stringify([work?.actor?.user_id ?? work?.address, details]);
    const known = this.#kinds.get(key);
    if (known) known.more += 1;
    else if (this.#kinds.size < MAX_KINDS) {
      this.#kinds.set(key, { request: work, details, more: 0 });
      this.#tell(refused(work, details, 1));
    } else this.#countAmongOthers();
  }

  /** Tells of what was only counted, and begins to count anew. */
  async endMinute(): Promise<void> {
    const counted = [...this.#kinds.values()].filter(({ more }) => more > 0);
    this.#kinds.clear();
    for (const { request, details, more } of counted) this.#tell(refused(request, details, more));
    await this.#telling;
  }

  #countAmongOthers(): void {
    const others = this.#kinds.get(OTHERS) ?? {
      request: undefined,
      details: { reason: `more than ${MAX_KINDS} different refusals within a minute` },
      more: 0,
    };
    others.more += 1;
    this.#kinds.set(OTHERS, others);
  }

  #tell(entry: Outgoing): void {
    this.#untold.push(entry);
    this.#telling ??= this.#tellAll();
  }

  /** One transaction at a time, with all that came meanwhile: a flood takes no connections from others. */
  async #tellAll(): Promise<void> {
    while (this.#untold.length > 0) {
      const entries = this.#untold;
      this.#untold = [];
      try {
        await this.database.tx((tx) => this.bus.publish(tx, ...entries));
      } catch (error) {
        this.log.error(
          { err: error, refusals: entries.length },
          'refusals could not be told to the audit log',
        );
      }
    }
    this.#telling = undefined;
  }
}

const isRefusal = (error: unknown): error is AppError =>
  error instanceof NotAuthenticated || error instanceof NotAllowed || error instanceof TooMany;

const refused = (request: RequestWork | undefined, details: Kind['details'], count: number): Outgoing => ({
  ...entryOf(request, 'access.refused', { outcome: 'refused', details: { ...details }, count }),
  traceparent: currentTraceparent(),
});
