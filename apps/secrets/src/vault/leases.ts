import type { Secret } from '@lineclear/kit';
import { graceMsOf, stepAfterFailure, stepAfterGrant, type LeaseStep } from '../domain/lease-schedule.js';
import { encoded, valuesOf } from './kv.js';
import type { VaultClient, VaultParts } from './vault-client.js';
import { VaultFailed } from './vault-failed.js';
import type { VaultBody } from './vault-http.js';

/** Credentials that Vault made for us, and takes back at their end. */
export interface DynamicSecret {
  readonly values: ReadonlyMap<string, Secret>;
  /** Null for what has no lease. */
  readonly endsAt: Date | null;
}

export interface LeaseOptions extends VaultParts {
  readonly maxLeases?: number;
}

interface Lease {
  readonly path: string;
  readonly id: string;
  readonly values: ReadonlyMap<string, Secret>;
  readonly graceMs: number;
  readonly ttlMs: number;
  renewable: boolean;
  endsAtMs: number;
  failures: number;
  cancel: () => void;
}

type Swap = (path: string, next: DynamicSecret) => Promise<void>;

export const MAX_LEASES = 1_000;

/**
 * Dynamic secrets with their leases: one per path, shared by all who read it, renewed while that is possible, and replaced
 * before it ends. What took its place is there before the old one is revoked.
 */
export class VaultLeases {
  readonly #leases = new Map<string, Lease>();
  readonly #reading = new Map<string, Promise<DynamicSecret>>();
  readonly #swaps: Swap[] = [];
  #closed = false;

  constructor(
    private readonly client: VaultClient,
    private readonly options: LeaseOptions,
  ) {
    // With the token that they were made with, leases end too.
    client.onNewToken(() => {
      for (const lease of this.#leases.values()) this.#plan(lease, { act: 'replace', inMs: 0 });
    });
    options.metrics.watchLeases(
      () =>
        new Map(
          [...this.#leases].map(([path, { endsAtMs }]) => [
            path,
            Math.max(0, (endsAtMs - this.#nowMs()) / 1_000),
          ]),
        ),
    );
  }

  /** The credentials at a path, such as `database/creds/reader`: those that are held, or new ones. @throws VaultFailed */
  async readDynamic(path: string): Promise<DynamicSecret> {
    this.options.metrics.requests.inc({ kind: 'dynamic' });
    const held = this.#leases.get(path);
    if (held && held.endsAtMs > this.#nowMs()) {
      this.options.metrics.cacheHits.inc({ kind: 'dynamic' });
      return shown(held);
    }
    if (held) this.#drop(held);
    return this.#read(path);
  }

  /** Calls back when other credentials took the place of those at a path. The old ones are revoked when it is done with them. */
  onSwap(swap: Swap): void {
    this.#swaps.push(swap);
  }

  /** Gives the credentials at a path back before their end. */
  async release(path: string): Promise<void> {
    const lease = this.#leases.get(path);
    if (!lease) return;
    this.#drop(lease);
    await this.#revoke(lease);
  }

  /** Gives all of them back. Nothing can be read any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#reading.values());
    await Promise.all([...this.#leases.keys()].map(async (path) => this.release(path)));
  }

  #read(path: string): Promise<DynamicSecret> {
    const running = this.#reading.get(path);
    if (running) return running;
    const reading = this.#issue(path).finally(() => this.#reading.delete(path));
    this.#reading.set(path, reading);
    return reading;
  }

  async #issue(path: string): Promise<DynamicSecret> {
    if (this.#closed) throw new VaultFailed('no answer', 'the connection is closed');
    const { maxLeases = MAX_LEASES } = this.options;
    const paths = new Set([...this.#leases.keys(), ...this.#reading.keys(), path]);
    if (paths.size > maxLeases)
      throw new VaultFailed('invalid', `${path}: more than ${maxLeases} leases are held`);
    // Not repeatable: an answer that is lost has made credentials that nobody knows of.
    const { status, body } = await this.client.call({ method: 'GET', path: encoded(path) });
    if (status === 404) throw new VaultFailed('not found', `there is nothing at ${path}`);
    const values = credentialsIn(body, path);
    const ttlMs = (body.lease_duration ?? 0) * 1_000;
    if (!body.lease_id || ttlMs === 0) return { values, endsAt: null };
    const lease = this.#leaseOf(path, body.lease_id, values, ttlMs, body.renewable ?? false);
    this.#leases.get(path)?.cancel();
    this.#leases.set(path, lease);
    this.#plan(lease, stepAfterGrant(lease, lease.graceMs));
    return shown(lease);
  }

  #leaseOf(path: string, id: string, values: Lease['values'], ttlMs: number, renewable: boolean): Lease {
    return {
      path,
      id,
      values,
      ttlMs,
      renewable,
      graceMs: graceMsOf(ttlMs, this.options.random()),
      endsAtMs: this.#nowMs() + ttlMs,
      failures: 0,
      cancel: () => undefined,
    };
  }

  #plan(lease: Lease, step: LeaseStep): void {
    lease.cancel();
    if (this.#closed) return;
    lease.cancel = this.options.timer.after(step.inMs, async () => {
      if (this.#leases.get(lease.path) !== lease) return;
      try {
        if (step.act === 'renew') await this.#renew(lease);
        else await this.#replace(lease);
      } catch (error) {
        this.#failed(lease, error);
      }
    });
  }

  async #renew(lease: Lease): Promise<void> {
    const increment = Math.ceil(lease.ttlMs / 1_000);
    const { status, body } = await this.client.call({
      method: 'POST',
      path: 'sys/leases/renew',
      body: { lease_id: lease.id, increment },
    });
    const ttlMs = ttlMsIn(status, body, lease.path);
    // The increment is a wish: what counts is the answer.
    lease.endsAtMs = this.#nowMs() + ttlMs;
    lease.renewable = body.renewable ?? false;
    lease.failures = 0;
    this.#plan(lease, stepAfterGrant({ ttlMs, renewable: lease.renewable }, lease.graceMs));
  }

  async #replace(old: Lease): Promise<void> {
    const next = await this.#read(old.path);
    // What has no lease any more was not put in the place of the old one.
    if (this.#leases.get(old.path) === old) this.#drop(old);
    for (const swap of this.#swaps) {
      try {
        await swap(old.path, next);
      } catch (error) {
        this.options.log.error({ err: error, path: old.path }, 'new credentials could not be taken over');
      }
    }
    await this.#revoke(old);
  }

  #failed(lease: Lease, error: unknown): void {
    this.options.metrics.renewalErrors.inc({ of: 'lease' });
    lease.failures += 1;
    const remainingMs = lease.endsAtMs - this.#nowMs();
    const { graceMs, failures, path } = lease;
    // 400 and 404 say that there is no such lease, or that it cannot be renewed: that will not change.
    if (error instanceof VaultFailed && ['invalid', 'not found'].includes(error.fault))
      lease.renewable = false;
    const state = { remainingMs, graceMs, renewable: lease.renewable };
    const step = stepAfterFailure(state, failures, this.options.random());
    this.options.log.warn(
      { err: error, path, failures, next: step.act },
      'a lease of Vault could not be renewed',
    );
    if (step.act === 'let go') this.#drop(lease);
    else this.#plan(lease, step);
  }

  #drop(lease: Lease): void {
    lease.cancel();
    if (this.#leases.get(lease.path) === lease) this.#leases.delete(lease.path);
  }

  /** A policy need not allow this (the old documents' do not): the lease then lives until its end. */
  async #revoke({ id, path }: Lease): Promise<void> {
    const { revocations } = this.options.metrics;
    try {
      await this.client.call({ method: 'POST', path: 'sys/leases/revoke', body: { lease_id: id } });
      revocations.inc({ outcome: 'revoked' });
    } catch (error) {
      const isDenied = error instanceof VaultFailed && error.fault === 'denied';
      revocations.inc({ outcome: isDenied ? 'denied' : 'failed' });
      this.options.log.warn(
        { err: error, path },
        'a lease of Vault could not be given back: it lives until its end',
      );
    }
  }

  #nowMs(): number {
    return this.options.clock.now().getTime();
  }
}

const shown = ({ values, endsAtMs }: Lease): DynamicSecret => ({ values, endsAt: new Date(endsAtMs) });

/** All of them or none: half a pair of credentials is of no use. */
function credentialsIn({ data }: VaultBody, path: string): ReadonlyMap<string, Secret> {
  const values = new Map<string, Secret>();
  for (const [key, value] of valuesOf(data ?? {}, path)) {
    if (value instanceof VaultFailed) throw value;
    values.set(key, value);
  }
  return values;
}

function ttlMsIn(status: number, body: VaultBody, path: string): number {
  if (status !== 200 || typeof body.lease_duration !== 'number')
    throw new VaultFailed('unreadable', `${path}: the renewal was answered without a duration`);
  return body.lease_duration * 1_000;
}
