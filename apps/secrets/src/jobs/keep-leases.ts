import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { audited } from '@lineclear/access';
import type { Bus } from '@lineclear/bus';
import type { Clock, Database, Logger } from '@lineclear/kit';
import * as kept from '../db/vault-leases.repo.js';
import { backoffMsOf, shortened, stepAfterFailure, stepAfterGrant } from '../domain/lease-schedule.js';
import { revocationOf } from '../vault/job-leases.js';
import type { KeyRing } from '../keys/key-ring.js';
import type { LeaseSessions } from '../vault/lease-sessions.js';
import type { Vault } from '../vault/open-vault.js';
import { SystemTimer } from '../vault/timer.js';
import { VaultFailed } from '../vault/vault-failed.js';
import type { VaultBody } from '../vault/vault-http.js';

export interface KeepLeasesParts {
  readonly vault: Vault;
  readonly sessions: LeaseSessions;
  readonly ring: KeyRing;
  readonly database: Database;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn' | 'error'>;
}

const AT_ONCE = 16;
/** So long at most a replica sleeps: another one may have gone whose leases are due. */
const MAX_SLEEP_MS = 15_000;
const MIN_SLEEP_MS = 500;
const FIRST_BACKOFF_MS = 10_000;
const MAX_BACKOFF_MS = 300_000;

/**
 * Renews the leases of running jobs, and gives back those of jobs that have ended. What is due is in Postgres: every
 * replica looks, and each lease is taken up by one of them, for a while that outlasts a call to Vault.
 */
export class KeepLeases implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #timer = new SystemTimer();
  #cancel: (() => void) | undefined;
  #rounds: Promise<void> = Promise.resolve();
  #woken = false;
  #stopped = false;

  /** Without a Vault there is nothing to do. */
  constructor(readonly parts: KeepLeasesParts | undefined) {}

  onApplicationBootstrap(): void {
    this.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#rounds;
  }

  /** Does not wait for the next round. */
  wake(): void {
    this.#woken = true;
    this.#sleep(0);
  }

  /** Does all that is due now. */
  async round(): Promise<void> {
    // One after the other: what one has taken up is done when the next one is over.
    const round = this.#rounds.then(() => this.#round());
    this.#rounds = round.catch(() => undefined);
    await round;
  }

  #sleep(ms: number): void {
    this.#cancel?.();
    if (this.#stopped || !this.parts) return;
    const { log, database, clock } = this.parts;
    this.#cancel = this.#timer.after(ms, async () => {
      let sleepMs = MAX_SLEEP_MS;
      this.#woken = false;
      try {
        await this.round();
        const next = await kept.nextDue(database);
        if (next) sleepMs = Math.min(sleepMs, Math.max(MIN_SLEEP_MS, next.getTime() - clock.now().getTime()));
      } catch (error) {
        log.warn({ err: error }, 'leases of Vault could not be looked after; the next round does it');
      }
      this.#sleep(this.#woken ? 0 : sleepMs);
    });
  }

  async #round(): Promise<void> {
    if (!this.parts || this.#stopped) return;
    const { sessions, database, clock, vault } = this.parts;
    const claimMs = 4 * vault.timeoutMs + 10_000;
    await sessions.keep(claimMs);
    for (let taken = AT_ONCE; taken === AT_ONCE && !this.#stopped;) {
      const now = clock.now();
      const due = await kept.takeDueLeases(database, { now, until: later(now, claimMs), limit: AT_ONCE });
      await Promise.all(due.map((lease) => this.#look(lease)));
      taken = due.length;
    }
    const now = clock.now();
    const paths = await kept.leasesByPath(database, now);
    vault.metrics.showLeases(
      paths.map(({ path, count, next_end }) => ({
        path,
        count,
        secondsToExpiry: Math.max(0, (next_end.getTime() - now.getTime()) / 1_000),
      })),
    );
  }

  async #look(lease: kept.DueLease): Promise<void> {
    const { database, clock, log } = this.parts!;
    try {
      const now = clock.now();
      if (lease.is_over) await kept.endLease(database, lease.id, now);
      if (lease.is_over || lease.ended_at !== null) await this.#giveBack(lease);
      else if (hasCertainlyEnded(lease, now)) await this.#remove(lease, 'ended');
      else if (!lease.is_current)
        await this.#note(lease, { nextAt: lease.ends_at > now ? lease.ends_at : lastEndOf(lease) });
      else if (lease.renewable) await this.#renew(lease);
      else await this.#tell(lease, { nextAt: lease.ends_at });
    } catch (error) {
      // Whoever takes it up next, when its time with us is over, tries again.
      log.error({ err: error, path: lease.path, job: lease.job_id }, 'a lease could not be looked after');
      if (lastEndOf(lease) <= clock.now()) await this.#remove(lease, 'ended');
    }
  }

  async #renew(lease: kept.DueLease): Promise<void> {
    const { sessions, clock } = this.parts!;
    const body = { lease_id: lease.lease_id, increment: Math.ceil(lease.ttl_ms / 1_000) };
    let granted: VaultBody;
    try {
      const answer = await sessions.callAs(lease.session_id, {
        method: 'POST',
        path: 'sys/leases/renew',
        body,
      });
      if (answer.status !== 200 || typeof answer.body.lease_duration !== 'number')
        throw new VaultFailed('unreadable', `${lease.path}: the renewal was answered without a duration`);
      granted = answer.body;
    } catch (error) {
      if (!(error instanceof VaultFailed)) throw error;
      return this.#renewalFailed(lease, error);
    }
    const now = clock.now();
    // The increment is a wish: what counts is the answer, and that with its token a lease ends too.
    const ttlMs = shortened((granted.lease_duration ?? 0) * 1_000, now, lease.session_ends_at);
    const step = stepAfterGrant({ ttlMs, renewable: granted.renewable ?? false }, lease.grace_ms);
    await this.#note(lease, {
      endsAt: later(now, ttlMs),
      nextAt: later(now, step.inMs),
      renewable: step.act === 'renew',
      failures: 0,
      toldAt: null,
    });
  }

  async #renewalFailed(lease: kept.DueLease, error: VaultFailed): Promise<void> {
    const { vault, sessions, clock, log } = this.parts!;
    const failures = lease.failures + 1;
    vault.metrics.renewalErrors.inc({ of: 'lease' });
    log.warn(
      { err: error, path: lease.path, job: lease.job_id, failures },
      'a lease of Vault could not be renewed',
    );
    // It has ended with its token: that is noted for all leases of it at once.
    if (error.fault === 'denied' && (await sessions.endIfDead(lease.session_id))) return;
    // 400 and 404 say that there is no such lease, or that it cannot be renewed: that will not change.
    if (['invalid', 'not found'].includes(error.fault))
      return this.#tell(lease, { nextAt: lease.ends_at, renewable: false, failures });
    const now = clock.now();
    const state = {
      remainingMs: lease.ends_at.getTime() - now.getTime(),
      graceMs: lease.grace_ms,
      renewable: true,
    };
    const step = stepAfterFailure(state, failures, Math.random());
    const again = { nextAt: later(now, step.act === 'let go' ? MAX_BACKOFF_MS : step.inMs), failures };
    // Near its end, and past it, it is still tried, but whoever asks gets another one.
    if (step.act === 'renew') await this.#note(lease, again);
    else await this.#tell(lease, again);
  }

  /** Says once that it ends before its job. From now on whoever asks again gets another one. */
  async #tell(lease: kept.DueLease, change: Change): Promise<void> {
    const { vault, clock, log } = this.parts!;
    if (lease.told_at === null) {
      vault.metrics.ending.inc();
      log.warn(
        { path: lease.path, job: lease.job_id, attempt: lease.attempt, ends_at: lease.ends_at },
        'a lease ends before its job: it cannot be renewed any further. Vault needs a longer max_ttl for it',
      );
    }
    await this.#note(lease, { ...change, toldAt: lease.told_at ?? clock.now() });
  }

  /** A policy need not allow this (the old documents' do not): the lease then lives until its end. */
  async #giveBack(lease: kept.DueLease): Promise<void> {
    const { vault, sessions, database, clock, log } = this.parts!;
    let outcome: 'revoked' | 'denied' | 'gone' | 'failed' = 'revoked';
    try {
      await sessions.callAs(lease.session_id, revocationOf(lease.lease_id));
    } catch (error) {
      if (!(error instanceof VaultFailed)) throw error;
      if (error.fault === 'denied') outcome = 'denied';
      else outcome = ['invalid', 'not found'].includes(error.fault) ? 'gone' : 'failed';
      log.warn(
        { err: error, path: lease.path, job: lease.job_id },
        'a lease of Vault could not be given back',
      );
    }
    vault.metrics.revocations.inc({ outcome });
    const now = clock.now();
    if (outcome !== 'failed' || lastEndOf(lease) <= now) return this.#remove(lease, outcome);
    const inMs = backoffMsOf(lease.failures + 1, Math.random(), FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
    await kept.noteGiveBackFailed(database, lease.id, later(now, inMs));
  }

  async #remove(lease: kept.DueLease, outcome: string): Promise<void> {
    const { database, bus } = this.parts!;
    const { id, job_id, attempt, path } = lease;
    await database.tx(async (tx) => {
      if (!(await kept.removeLease(tx, id))) return;
      const details = { attempt, path, outcome };
      await bus.publish(tx, audited('lease.ended', { target: `job/${job_id}`, details }));
    });
  }

  #note(lease: kept.DueLease, change: Change): Promise<void> {
    const { ends_at: endsAt, renewable, failures, told_at: toldAt } = lease;
    return kept.noteLease(this.parts!.database, lease.id, { endsAt, renewable, failures, toldAt, ...change });
  }
}

type Change = Pick<kept.LeaseState, 'nextAt'> & Partial<kept.LeaseState>;
const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms);
/** A renewal that failed may have been made all the same, but has not led further than this. */
const lastEndOf = (lease: kept.DueLease): Date => later(lease.ends_at, lease.ttl_ms);
const hasCertainlyEnded = (lease: kept.DueLease, now: Date): boolean =>
  (lease.renewable && lease.failures > 0 ? lastEndOf(lease) : lease.ends_at) <= now;
