import { randomUUID } from 'node:crypto';
import { Clock, type Database, type Logger, type Secret } from '@lineclear/kit';
import * as sessions from '../db/vault-sessions.repo.js';
import { recordOf } from '../db/keys.repo.js';
import type { Binding } from '../domain/envelope.js';
import { graceMsOf, stepAfterFailure, stepAfterGrant } from '../domain/lease-schedule.js';
import { GLOBAL } from '../domain/scopes.js';
import type { KeyRing } from '../keys/key-ring.js';
import type { LoggedIn } from './login.js';
import type { Vault } from './open-vault.js';
import { VaultFailed } from './vault-failed.js';
import type { VaultAnswer, VaultCall } from './vault-http.js';

export const sessionBinding = (id: string): Binding => ({
  purpose: 'vault-session',
  scope: GLOBAL,
  secretId: id,
  name: 'token',
  version: 1,
});

/** With which token leases were made: a session's, or (null) the one that was given. */
type SessionId = string | null;

const REVOKE_SELF: VaultCall = { method: 'POST', path: 'auth/token/revoke-self', body: {} };

/**
 * With the token that it was made with, a lease ends. So leases of jobs are made with tokens of their own, kept encrypted:
 * all replicas use them, and no end of a process is theirs. One that cannot be renewed any more is followed by another, and
 * given back when its last lease is gone. A token that was given outlives processes by itself.
 */
export class LeaseSessions {
  #starting: Promise<sessions.KeptSession | undefined> | undefined;

  constructor(
    private readonly vault: Vault,
    private readonly database: Database,
    private readonly ring: KeyRing,
    private readonly clock: Clock,
    private readonly log: Pick<Logger, 'warn'>,
  ) {}

  /** Makes a call with the token for new leases; which one that was. @throws VaultFailed */
  async call(call: VaultCall): Promise<{ answer: VaultAnswer; sessionId: SessionId }> {
    const session = await this.#current();
    if (!session) return { answer: await this.vault.client.call(call), sessionId: null };
    try {
      return { answer: await this.callAs(session.id, call), sessionId: session.id };
    } catch (error) {
      if (!isDenied(error) || !(await this.endIfDead(session.id))) throw error;
      const next = await this.#current();
      if (!next) throw error;
      return { answer: await this.callAs(next.id, call), sessionId: next.id };
    }
  }

  /** Makes a call with the token of a session that is kept. @throws VaultFailed */
  async callAs(sessionId: SessionId, call: VaultCall): Promise<VaultAnswer> {
    if (sessionId === null) return this.vault.client.call(call);
    const session = await sessions.findSession(this.database, sessionId);
    if (!session) throw new VaultFailed('denied', 'the token that this was made with is gone');
    return this.vault.client.callWith(await this.#tokenOf(session), call);
  }

  /** After a refusal: when it is the token itself that Vault does not know any more, its leases have ended with it. Whether it was. */
  async endIfDead(sessionId: SessionId): Promise<boolean> {
    if (sessionId === null) return false;
    try {
      await this.callAs(sessionId, { method: 'GET', path: 'auth/token/lookup-self', repeatable: true });
      return false;
    } catch (error) {
      if (!isDenied(error)) return false;
    }
    await this.#retire(sessionId, this.clock.now());
    return true;
  }

  /** Renews the tokens that are due, and gives back those whose last lease is gone. */
  async keep(claimMs: number): Promise<void> {
    const now = this.clock.now();
    for (const session of await sessions.takeDueSessions(this.database, now, later(now, claimMs))) {
      try {
        if (!session.is_current) await this.#giveBack(session);
        else if (session.renewable) await this.#renew(session);
        else await this.#retire(session.id, session.ends_at);
      } catch (error) {
        this.log.warn({ err: error }, "a token of jobs' leases could not be looked after");
      }
    }
  }

  async #current(): Promise<sessions.KeptSession | undefined> {
    const session = await sessions.currentSession(this.database);
    if (session && (session.ends_at === null || session.ends_at > this.clock.now())) return session;
    if (session) await this.#retire(session.id, session.ends_at);
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #start(): Promise<sessions.KeptSession | undefined> {
    const loggedIn = await this.vault.client.logInApart();
    if (!loggedIn) return undefined;
    try {
      await this.#store(loggedIn);
    } catch (error) {
      await this.vault.client.callWith(loggedIn.token, REVOKE_SELF).catch(() => undefined);
      throw error;
    }
    return sessions.currentSession(this.database);
  }

  /** Where another replica was first, its session is used and this one given back. */
  async #store({ token, ttlMs, renewable }: LoggedIn): Promise<void> {
    const id = randomUUID();
    const now = this.clock.now();
    const graceMs = graceMsOf(ttlMs, Math.random());
    const { inMs } = stepAfterGrant({ ttlMs, renewable }, graceMs);
    const session = {
      id,
      record: this.ring.seal(await this.ring.newest(), sessionBinding(id), token.reveal()),
      startedAt: now,
      endsAt: ttlMs === 0 ? null : later(now, ttlMs),
      graceMs,
      renewable,
      nextAt: ttlMs === 0 ? null : later(now, inMs),
    };
    await this.database.tx((tx) => sessions.addSession(tx, session));
  }

  async #renew(session: sessions.KeptSession): Promise<void> {
    const call: VaultCall = { method: 'POST', path: 'auth/token/renew-self', body: {} };
    try {
      const { body } = await this.callAs(session.id, call);
      if (!body.auth) throw new VaultFailed('unreadable', 'the renewal was answered without a token');
      const ttlMs = body.auth.lease_duration * 1_000;
      const now = this.clock.now();
      const step = stepAfterGrant({ ttlMs, renewable: body.auth.renewable }, session.grace_ms);
      if (step.act === 'renew')
        await sessions.noteSessionRenewed(
          this.database,
          session.id,
          later(now, ttlMs),
          later(now, step.inMs),
        );
      else await this.#retire(session.id, later(now, ttlMs));
    } catch (error) {
      if (!(error instanceof VaultFailed)) throw error;
      await this.#renewalFailed(session, error);
    }
  }

  async #renewalFailed(session: sessions.KeptSession, error: VaultFailed): Promise<void> {
    const { id, grace_ms: graceMs, ends_at: endsAt } = session;
    const failures = session.failures + 1;
    this.vault.metrics.renewalErrors.inc({ of: 'token' });
    this.log.warn({ err: error, failures }, "the token of jobs' leases could not be renewed");
    if (isDenied(error) && (await this.endIfDead(id))) return;
    const now = this.clock.now();
    const remainingMs = endsAt === null ? Infinity : endsAt.getTime() - now.getTime();
    // What is refused will be refused again.
    const isRefused = ['denied', 'invalid', 'not found'].includes(error.fault);
    if (isRefused || remainingMs <= 0) return this.#retire(id, endsAt);
    const { inMs } = stepAfterFailure({ remainingMs, graceMs, renewable: true }, failures, Math.random());
    await sessions.noteSessionFailed(this.database, id, later(now, inMs));
  }

  async #giveBack(session: sessions.KeptSession): Promise<void> {
    const { id, ends_at: endsAt } = session;
    const now = this.clock.now();
    const hasEnded = endsAt !== null && endsAt <= now;
    try {
      if (!hasEnded) await this.callAs(id, REVOKE_SELF);
    } catch (error) {
      if (!(error instanceof VaultFailed)) throw error;
      this.log.warn({ err: error }, "the token of jobs' leases could not be given back");
      if (!['denied', 'invalid', 'not found'].includes(error.fault)) {
        const step = stepAfterFailure(
          { remainingMs: Infinity, graceMs: 0, renewable: true },
          session.failures + 1,
          Math.random(),
        );
        return sessions.noteSessionFailed(this.database, id, later(now, step.inMs));
      }
    }
    await sessions.removeSession(this.database, id);
  }

  /** What is being made with it right now is waited for before it is given back. */
  async #retire(id: string, endsAt: Date | null): Promise<void> {
    const now = this.clock.now();
    const notBefore = later(now, 2 * this.vault.timeoutMs);
    await this.database.tx((tx) => sessions.retireSession(tx, id, { endsAt, notBefore, now }));
  }

  #tokenOf = (session: sessions.KeptSession): Promise<Secret> =>
    this.ring.open(sessionBinding(session.id), recordOf(session));
}

const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms);
const isDenied = (error: unknown): boolean => error instanceof VaultFailed && error.fault === 'denied';
