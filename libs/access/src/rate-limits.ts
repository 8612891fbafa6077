import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Principal } from '@lineclear/contracts';
import {
  addressGroup,
  clientAddress,
  Clock,
  CONFIG,
  CONFIG_FILE,
  LOGGER,
  openRedis,
  SERVICE_NAME,
  TooMany,
  TtlCache,
  type ConfigFile,
  type Logger,
  type ServiceConfig,
} from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Redis } from 'ioredis';
import { RateLimit, type Counted } from './rate-limit.js';
import type { Token } from './token.js';

const GOOD_MS = 60_000;
const MAX_TOKENS = 10_000;
const MAX_CONNECT_MS = 2_000;

/** How much each principal, and each address of those who are nobody yet, may ask of this service in a minute. */
@Injectable()
export class RateLimits implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #redis: Redis | undefined;
  readonly #connected: Promise<void> | undefined;
  readonly #perPrincipal: RateLimit | undefined;
  readonly #perAddress: RateLimit | undefined;
  /** Tokens that were somebody's lately: whoever sends one is not made to wait for what others at the address did. */
  readonly #good: TtlCache<true>;

  constructor(
    @Inject(CONFIG_FILE) { limits }: ConfigFile,
    @Inject(CONFIG) { REDIS_URL }: ServiceConfig,
    @Inject(SERVICE_NAME) service: string,
    @Inject(LOGGER) log: Logger,
    clock: Clock,
  ) {
    this.#good = new TtlCache({ clock, ttlMs: GOOD_MS, maxEntries: MAX_TOKENS });
    const { requests_per_minute_per_principal: ofPrincipal, requests_per_minute_per_address: ofAddress } =
      limits;
    if (ofPrincipal === 0 && ofAddress === 0) return;
    const redis = (this.#redis = openRedis(REDIS_URL, log));
    // Its errors are in the log; it is looked for as long as the service runs.
    this.#connected = redis.connect().catch(() => undefined);
    const open = (what: string, limit: number): RateLimit | undefined =>
      limit === 0 ? undefined : new RateLimit(redis, `lineclear:${service}:limit:${what}`, limit, clock);
    this.#perPrincipal = open('principal', ofPrincipal);
    this.#perAddress = open('address', ofAddress);
  }

  /** Who comes first is counted by all replicas together too, if Redis is there at all. */
  async onApplicationBootstrap(): Promise<void> {
    await Promise.race([this.#connected, delay(MAX_CONNECT_MS, undefined, { ref: false })]);
  }

  onApplicationShutdown(): void {
    this.#redis?.disconnect();
  }

  /** Refuses a token that nobody has seen to be good, from an address that is known to have asked too much. */
  beforeLookup(request: FastifyRequest, reply: FastifyReply, token: Token): void {
    if (this.#good.get(token.sha256)) return;
    const refusal = this.#perAddress?.refusalOf(addressOf(request));
    if (refusal) tell(reply, refusal);
  }

  /** Counts a request of somebody. @throws TooMany */
  async ofPrincipal(reply: FastifyReply, principal: Principal, token: Token): Promise<void> {
    this.#good.set(token.sha256, true);
    if (this.#perPrincipal) tell(reply, await this.#perPrincipal.count(String(principal.user_id)));
  }

  /** Counts a request of who is nobody yet. @throws TooMany */
  async ofAddress(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (this.#perAddress) tell(reply, await this.#perAddress.count(addressOf(request)));
  }
}

const addressOf = (request: FastifyRequest): string => addressGroup(clientAddress(request));

function tell(reply: FastifyReply, { isAllowed, limit, remaining, resetSeconds }: Counted): void {
  void reply.headers({
    'ratelimit-limit': limit,
    'ratelimit-remaining': remaining,
    'ratelimit-reset': resetSeconds,
  });
  if (!isAllowed) throw new TooMany(`more than ${limit} requests in a minute`, resetSeconds);
}
