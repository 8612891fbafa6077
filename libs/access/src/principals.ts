import {
  internalPrincipal,
  introspect,
  isConcerned,
  principalChanged,
  principalsChanged,
  type Principal,
} from '@lineclear/contracts';
import { ask, Bus } from '@lineclear/bus';
import { Clock, Metrics, TtlCache } from '@lineclear/kit';
import type { Token } from './token.js';

/** Whose a token is. `csrfSha256` is there for sessions: what a change by cookie must prove to know. */
export interface Identity {
  readonly principal: Principal | null;
  readonly csrfSha256?: string | undefined;
}

/** Where identities come from: the auth service, over NATS, for all but that service itself. */
export abstract class TokenLookup {
  abstract find(token: Token): Promise<Identity>;

  /** Who comes from this address without any credential. */
  abstract internal(address: string): Promise<Principal | null>;
}

const ASK_DEADLINE_MS = 2_000;

export class AskAuth extends TokenLookup {
  constructor(private readonly bus: Bus) {
    super();
  }

  override async find(token: Token): Promise<Identity> {
    const { principal, csrf_sha256 } = await ask(
      this.bus,
      introspect,
      { kind: token.kind, token_sha256: token.sha256 },
      ASK_DEADLINE_MS,
    );
    return { principal, csrfSha256: csrf_sha256 };
  }

  override async internal(address: string): Promise<Principal | null> {
    return (await ask(this.bus, internalPrincipal, { address }, ASK_DEADLINE_MS)).principal;
  }
}

/** Seconds for which a principal is believed without asking again. */
export const PRINCIPAL_TTL_SECONDS = 60;
/** In each replica. Whoever is the 501st within a minute costs a question of milliseconds, and so does who was used least lately then. */
export const MAX_PRINCIPALS = 500;
const UNKNOWN_TTL_MS = 2_000;

/** Principals by token, and by address where the network is enough: asked once, believed for a minute, dropped at once when `auth.principal_changed` or `auth.principals_changed` says so. */
export class Principals {
  readonly #cache: TtlCache<Identity>;

  constructor(
    private readonly lookup: TokenLookup,
    bus: Bus,
    private readonly clock: Clock,
    /** 0 believes nobody from before. */
    private readonly ttlSeconds: number,
    metrics?: Metrics,
  ) {
    this.#cache = new TtlCache({
      clock,
      ttlMs: ttlSeconds * 1_000,
      maxEntries: MAX_PRINCIPALS,
      name: 'principals',
      metrics,
    });
    bus.watch(principalChanged, (event) =>
      this.#cache.deleteWhere(({ principal }) => principal?.user_id === event.data.user_id),
    );
    bus.watch(principalsChanged, (event) =>
      this.#cache.deleteWhere(({ principal }) => principal !== null && isConcerned(event.data, principal)),
    );
    bus.afterSilence(() => this.#cache.clear());
  }

  /** @throws Unavailable when the identity is not cached and auth does not answer: nobody passes on hope. */
  async of(token: Token): Promise<Identity> {
    const identity = await this.#believed(`${token.kind}:${token.sha256}`, () => this.lookup.find(token));
    const until = identity.principal?.expires_at;
    return until !== undefined && new Date(until) <= this.clock.now() ? { principal: null } : identity;
  }

  /** Who comes from this address without any credential. @throws Unavailable like `of` */
  async internal(address: string): Promise<Principal | null> {
    const find = async (): Promise<Identity> => ({ principal: await this.lookup.internal(address) });
    return (await this.#believed(`internal:${address}`, find)).principal;
  }

  #believed(key: string, find: () => Promise<Identity>): Promise<Identity> {
    if (this.ttlSeconds === 0) return find();
    return this.#cache.getOrLoad(key, find, ({ principal }) =>
      principal === null ? UNKNOWN_TTL_MS : undefined,
    );
  }
}
