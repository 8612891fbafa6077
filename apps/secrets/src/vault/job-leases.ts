import { randomUUID } from 'node:crypto';
import { audited } from '@lineclear/access';
import type { Bus } from '@lineclear/bus';
import { Refused, Secret, type Clock, type Database, type Logger, type Tx } from '@lineclear/kit';
import { hasEnded } from '../db/claims.repo.js';
import { recordOf } from '../db/keys.repo.js';
import * as kept from '../db/vault-leases.repo.js';
import { certainEndOf } from '../db/vault-sessions.repo.js';
import type { Binding, SealedRecord } from '../domain/envelope.js';
import { graceMsOf, shortened, stepAfterGrant, type Grant } from '../domain/lease-schedule.js';
import type { Attempt } from '../domain/lookup.js';
import type { KeyRing } from '../keys/key-ring.js';
import type { Found } from '../sources/source.js';
import { encoded, valuesOf } from './kv.js';
import type { LeaseSessions } from './lease-sessions.js';
import { VaultFailed } from './vault-failed.js';
import type { VaultAnswer, VaultCall } from './vault-http.js';
import type { VaultMetrics } from './vault-metrics.js';
import type { KeyPlace } from './vault-source.js';

/** What opens the values of a lease: nothing that belongs to another attempt does. */
export const leaseBinding = (lease: Pick<kept.KeptLease, 'id' | 'job_id' | 'attempt' | 'path'>): Binding => ({
  purpose: 'vault-lease',
  scope: lease.job_id,
  secretId: lease.id,
  name: lease.path,
  version: lease.attempt,
});

type Values = ReadonlyMap<string, Secret>;
export interface JobLeasesParts {
  readonly sessions: LeaseSessions;
  readonly database: Database;
  readonly ring: KeyRing;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly metrics: VaultMetrics;
  readonly log: Pick<Logger, 'warn'>;
  /** Has leases that are to be given back looked after at once. */
  readonly wake: () => void;
}

/**
 * Credentials that Vault makes for an attempt of a job, one lease per path. Each is kept, encrypted, before anyone is told of
 * it: whoever asks again for the attempt, at whichever replica, gets the same for as long as it lives.
 */
export class JobLeases {
  constructor(private readonly parts: JobLeasesParts) {}

  /** The values of these names for an attempt. @throws VaultFailed; Refused when the job ended meanwhile */
  async find(places: ReadonlyMap<string, KeyPlace>, of: Attempt): Promise<ReadonlyMap<string, Found>> {
    const values = new Map<string, Values>();
    for (const path of new Set([...places.values()].map((place) => place.path)))
      values.set(path, await this.#valuesAt(path, of));
    return new Map(
      [...places].map(([name, { path, key }]) => {
        const value = values.get(path)?.get(key);
        if (!value) throw new VaultFailed('unreadable', `${path} has no ${key}`);
        return [name, { value, version: null, note: `${key} of ${path}` }];
      }),
    );
  }

  async #valuesAt(path: string, of: Attempt): Promise<Values> {
    const { metrics, database, clock, log } = this.parts;
    metrics.requests.inc({ kind: 'dynamic' });
    const lease = await kept.currentLease(database, of, path);
    const lives = lease !== undefined && lease.ends_at > clock.now();
    if (lives && lease.told_at === null) {
      metrics.cacheHits.inc({ kind: 'dynamic' });
      return this.#open(lease);
    }
    try {
      return await this.#issue(path, of, lease?.id);
    } catch (error) {
      if (!lives || !(error instanceof VaultFailed)) throw error;
      log.warn({ err: error, path, job: of.jobId }, 'a lease that ends could not be replaced yet');
      return this.#open(lease);
    }
  }

  async #issue(path: string, of: Attempt, before: string | undefined): Promise<Values> {
    const { sessions, database } = this.parts;
    // Not repeatable: an answer that is lost has made credentials that nobody knows of.
    const { answer, sessionId } = await sessions.call({ method: 'GET', path: encoded(path) });
    const grant = grantIn(answer, path);
    const id = randomUUID();
    let values: Values;
    let outcome: 'kept' | 'another' | 'over';
    try {
      values = credentialsIn(answer, path);
      const record = await this.#seal(
        leaseBinding({ id, path, job_id: of.jobId, attempt: of.attempt }),
        values,
      );
      const lease = { id, ...of, path, sessionId, record, ...grant };
      outcome = await database.tx((tx) => this.#keep(tx, lease, before));
    } catch (error) {
      await this.#giveBack({ id, path, sessionId, leaseId: grant.leaseId });
      throw error;
    }
    if (outcome === 'kept') return values;
    this.parts.wake();
    if (outcome === 'over')
      throw new Refused('not_granted', `${of.jobId}, attempt ${of.attempt}, ended while it was asked for`);
    const first = await kept.currentLease(database, of, path);
    if (!first) throw new VaultFailed('no answer', `${path}: the lease that was made first is gone`);
    return this.#open(first);
  }

  async #seal(binding: Binding, values: Values): Promise<SealedRecord> {
    const { ring } = this.parts;
    const plain = Object.fromEntries([...values].map(([key, value]) => [key, value.reveal()]));
    return ring.seal(await ring.newest(), binding, JSON.stringify(plain));
  }

  /** What nobody may have is kept too, and given back by whoever keeps leases. */
  async #keep(
    tx: Tx,
    made: Omit<kept.NewLease, 'issuedAt' | 'graceMs' | 'endsAt' | 'nextAt'>,
    before: string | undefined,
  ): Promise<'kept' | 'another' | 'over'> {
    const { jobId, attempt, path, sessionId } = made;
    const lease = {
      ...made,
      ...this.#times(made, sessionId === null ? null : await certainEndOf(tx, sessionId)),
    };
    const isOver = await hasEnded(tx, lease);
    if (!isOver) {
      if (before !== undefined) await kept.supersede(tx, before);
      if (await kept.addLease(tx, lease)) {
        const details = { attempt, path };
        await this.parts.bus.publish(tx, audited('lease.issued', { target: `job/${jobId}`, details }));
        return 'kept';
      }
    }
    await kept.addLeaseToGiveBack(tx, lease);
    return isOver ? 'over' : 'another';
  }

  #times(
    { ttlMs, renewable }: Grant,
    tokenEndsAt: Date | null,
  ): Pick<kept.NewLease, 'issuedAt' | 'graceMs' | 'endsAt' | 'nextAt'> {
    const issuedAt = this.parts.clock.now();
    const at = (ms: number): Date => new Date(issuedAt.getTime() + ms);
    const livesMs = shortened(ttlMs, issuedAt, tokenEndsAt);
    const graceMs = graceMsOf(ttlMs, Math.random());
    const { inMs } = stepAfterGrant({ ttlMs: livesMs, renewable }, graceMs);
    return { issuedAt, graceMs, endsAt: at(livesMs), nextAt: at(inMs) };
  }

  async #open(lease: kept.KeptLease): Promise<Values> {
    const text = await this.parts.ring.open(leaseBinding(lease), recordOf(lease));
    const values = Object.entries(JSON.parse(text.reveal()) as Record<string, string>);
    return new Map(values.map(([key, value]) => [key, new Secret(value)]));
  }

  async #giveBack(lease: Pick<kept.NewLease, 'id' | 'path' | 'sessionId' | 'leaseId'>): Promise<void> {
    const { sessions, database, log } = this.parts;
    try {
      await sessions.callAs(lease.sessionId, revocationOf(lease.leaseId));
    } catch (error) {
      log.warn({ err: error, path: lease.path }, 'a lease that could not be kept lives until its end');
    }
    // It may be kept all the same, where only the answer to the commit was lost.
    await database.tx((tx) => kept.removeLease(tx, lease.id)).catch(() => undefined);
  }
}

export const revocationOf = (leaseId: string): VaultCall => ({
  method: 'POST',
  path: 'sys/leases/revoke',
  body: { lease_id: leaseId },
});

function grantIn({ status, body }: VaultAnswer, path: string): Grant & { readonly leaseId: string } {
  if (status === 404) throw new VaultFailed('not found', `there is nothing at ${path}`);
  const { lease_id: leaseId, lease_duration: seconds, renewable } = body;
  if (!leaseId || !seconds)
    throw new VaultFailed('invalid', `${path} gives no lease: LINECLEAR_VAULT_NAMES is for what is stored`);
  return { leaseId, ttlMs: seconds * 1_000, renewable: renewable ?? false };
}

/** All of them or none: half a pair of credentials is of no use. */
function credentialsIn({ body }: VaultAnswer, path: string): Values {
  const values = new Map<string, Secret>();
  for (const [key, value] of valuesOf(body.data ?? {}, path)) {
    if (value instanceof VaultFailed) throw value;
    values.set(key, value);
  }
  return values;
}
