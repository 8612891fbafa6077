import { randomBytes } from 'node:crypto';

/** How long something that was given out lives. Seconds, as in Vault's API. */
export interface FakeTtl {
  readonly ttlSeconds: number;
  /** Renewals do not lead beyond this many seconds from the beginning. */
  readonly maxTtlSeconds?: number;
  readonly renewable?: boolean;
}

export interface FakeToken {
  readonly id: string;
  readonly namespace: string;
  readonly ttlMs: number;
  readonly maxEndsAtMs: number;
  readonly renewable: boolean;
  endsAtMs: number;
}

export interface FakeLease {
  readonly id: string;
  readonly path: string;
  readonly token: FakeToken;
  readonly maxEndsAtMs: number;
  readonly renewable: boolean;
  endsAtMs: number;
}

/** Tokens and leases under one clock. With a token its leases end. */
export class FakeGrants {
  readonly #tokens = new Map<string, FakeToken>();
  readonly #leases = new Map<string, FakeLease>();

  constructor(private readonly nowMs: () => number) {}

  issueToken(namespace: string, ttl: FakeTtl | 'for ever'): FakeToken {
    const forEver = ttl === 'for ever';
    const ttlMs = forEver ? 0 : ttl.ttlSeconds * 1_000;
    const token: FakeToken = {
      id: `hvs.${randomBytes(18).toString('base64url')}`,
      namespace,
      ttlMs,
      renewable: !forEver && ttl.renewable !== false,
      endsAtMs: forEver ? Infinity : this.nowMs() + ttlMs,
      maxEndsAtMs: forEver ? Infinity : this.nowMs() + (ttl.maxTtlSeconds ?? 2_764_800) * 1_000,
    };
    this.#tokens.set(token.id, token);
    return token;
  }

  /** A token that is alive. */
  token(id: string | undefined): FakeToken | undefined {
    const token = this.#tokens.get(id ?? '');
    return token && token.endsAtMs > this.nowMs() ? token : undefined;
  }

  revokeToken(id: string): void {
    this.#tokens.delete(id);
  }

  issueLease(path: string, token: FakeToken, ttl: FakeTtl): FakeLease {
    const nowMs = this.nowMs();
    const lease: FakeLease = {
      id: `${path}/${randomBytes(12).toString('base64url')}`,
      path,
      token,
      renewable: ttl.renewable !== false,
      endsAtMs: nowMs + ttl.ttlSeconds * 1_000,
      maxEndsAtMs: nowMs + (ttl.maxTtlSeconds ?? 2_764_800) * 1_000,
    };
    this.#leases.set(lease.id, lease);
    return lease;
  }

  lease(id: unknown): FakeLease | undefined {
    const lease = typeof id === 'string' ? this.#leases.get(id) : undefined;
    return lease && this.#isAlive(lease) ? lease : undefined;
  }

  /** The leases at a path that are alive, oldest first. */
  leasesAt(path: string): FakeLease[] {
    return [...this.#leases.values()].filter((lease) => lease.path === path && this.#isAlive(lease));
  }

  revokeLease(id: string): void {
    this.#leases.delete(id);
  }

  /** Extends by the wish, from now, but not beyond the largest end. Answers with the seconds that it has now. */
  renew(granted: { endsAtMs: number; readonly maxEndsAtMs: number }, wishedMs: number): number {
    granted.endsAtMs = Math.min(this.nowMs() + wishedMs, granted.maxEndsAtMs);
    return this.secondsLeft(granted);
  }

  secondsLeft({ endsAtMs }: { readonly endsAtMs: number }): number {
    return endsAtMs === Infinity ? 0 : Math.max(0, Math.ceil((endsAtMs - this.nowMs()) / 1_000));
  }

  #isAlive({ endsAtMs, token }: FakeLease): boolean {
    return endsAtMs > this.nowMs() && this.token(token.id) !== undefined;
  }
}
