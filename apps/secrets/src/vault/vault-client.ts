import type { Clock, Logger, Secret } from '@lineclear/kit';
import {
  backoffMsOf,
  graceMsOf,
  stepAfterFailure,
  stepAfterGrant,
  type LeaseStep,
} from '../domain/lease-schedule.js';
import type { LoggedIn, LoginMethod } from './login.js';
import type { Timer } from './timer.js';
import { VaultFailed } from './vault-failed.js';
import type { VaultAnswer, VaultCall, VaultHttp } from './vault-http.js';
import type { VaultMetrics } from './vault-metrics.js';

export interface VaultParts {
  readonly clock: Clock;
  readonly timer: Timer;
  /** In [0, 1). */
  readonly random: () => number;
  readonly metrics: VaultMetrics;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

interface Held extends LoggedIn {
  readonly sinceMs: number;
  readonly graceMs: number;
  endsAtMs: number;
  failures: number;
}

/** A token as young as this was not refused for its age: what it may not do, the next one may not either. */
const YOUNG_MS = 10_000;
const FIRST_HOLD_MS = 1_000;
const MAX_HOLD_MS = 30_000;

/** Calls Vault with a token that it comes by, renews and replaces itself. */
export class VaultClient {
  #held: Held | undefined;
  #loggingIn: Promise<Held> | undefined;
  #cancel: (() => void) | undefined;
  #closed = false;
  #failedLogins = { count: 0, untilMs: 0, error: undefined as unknown };

  constructor(
    private readonly http: VaultHttp,
    private readonly method: LoginMethod,
    private readonly parts: VaultParts,
  ) {}

  /**
   * Makes one call. A 403 on a token that was held for a while may mean that it has ended: then there is exactly one new
   * login, shared by all who come for it, and one more try. @throws VaultFailed
   */
  async call(call: VaultCall): Promise<VaultAnswer> {
    const held = this.#held ?? (await this.#login());
    try {
      return await this.http.call(call, held.token);
    } catch (error) {
      if (!(error instanceof VaultFailed) || error.fault !== 'denied') throw error;
      const next = await this.#after(held);
      if (next === undefined) throw error;
      return this.http.call(call, next.token);
    }
  }

  /** One call with another token than its own. @throws VaultFailed */
  async callWith(token: Secret, call: VaultCall): Promise<VaultAnswer> {
    return this.http.call(call, token);
  }

  /**
   * A login apart from its own, whose token the caller keeps beyond the end of this process, and gives back; undefined where
   * the token was given, and is nobody's to give back. @throws VaultFailed
   */
  async logInApart(): Promise<LoggedIn | undefined> {
    return this.method.name === 'token' ? undefined : this.#logInNow();
  }

  /** Gives the token back when it is ours, and lets go of the connections. No call may follow. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#loggingIn?.catch(() => undefined);
    this.#cancel?.();
    const held = this.#held;
    this.#held = undefined;
    if (held?.own) await this.#revoke(held.token);
    await this.http.close();
  }

  /** The token to try again with after this one was refused; undefined where that would change nothing. */
  async #after(refused: Held): Promise<Held | undefined> {
    if (this.#held !== undefined && this.#held !== refused) return this.#held;
    if (this.#loggingIn === undefined && this.#nowMs() - refused.sinceMs < YOUNG_MS) return undefined;
    return this.#login();
  }

  async #login(): Promise<Held> {
    if (this.#closed) throw new VaultFailed('no answer', 'the connection is closed');
    this.#loggingIn ??= this.#loginOnce().finally(() => (this.#loggingIn = undefined));
    return this.#loggingIn;
  }

  async #loginOnce(): Promise<Held> {
    return this.#hold(await this.#logInNow());
  }

  async #logInNow(): Promise<LoggedIn> {
    const failed = this.#failedLogins;
    // Vault locks out who fails too often, and a server that is away is not helped by being asked.
    if (this.#nowMs() < failed.untilMs) throw failed.error;
    let loggedIn: LoggedIn;
    try {
      loggedIn = await this.method.login(this.http);
    } catch (error) {
      this.parts.metrics.authFailures.inc({ method: this.method.name });
      const count = failed.count + 1;
      const holdMs = backoffMsOf(count, this.parts.random(), FIRST_HOLD_MS, MAX_HOLD_MS);
      this.#failedLogins = { count, untilMs: this.#nowMs() + holdMs, error };
      this.parts.log.error({ err: error, method: this.method.name }, 'the login to Vault failed');
      throw error;
    }
    this.#failedLogins = { count: 0, untilMs: 0, error: undefined };
    return loggedIn;
  }

  #hold(loggedIn: LoggedIn): Held {
    const nowMs = this.#nowMs();
    const graceMs = graceMsOf(loggedIn.ttlMs, this.parts.random());
    const held: Held = {
      ...loggedIn,
      sinceMs: nowMs,
      graceMs,
      endsAtMs: nowMs + loggedIn.ttlMs,
      failures: 0,
    };
    this.#held = held;
    if (loggedIn.ttlMs > 0) this.#plan(held, stepAfterGrant(loggedIn, graceMs));
    else this.#cancel?.();
    return held;
  }

  #plan(held: Held, step: LeaseStep): void {
    this.#cancel?.();
    if (this.#closed) return;
    this.#cancel = this.parts.timer.after(step.inMs, async () => {
      if (this.#held !== held) return;
      try {
        if (step.act === 'renew') await this.#renew(held);
        else await this.#replace(held);
      } catch (error) {
        this.#failed(held, error);
      }
    });
  }

  async #renew(held: Held): Promise<void> {
    const { body } = await this.http.call(
      { method: 'POST', path: 'auth/token/renew-self', body: {} },
      held.token,
    );
    if (!body.auth) throw new VaultFailed('unreadable', 'the renewal was answered without a token');
    const grant = { ttlMs: body.auth.lease_duration * 1_000, renewable: body.auth.renewable };
    held.failures = 0;
    held.endsAtMs = this.#nowMs() + grant.ttlMs;
    this.#plan(held, stepAfterGrant(grant, held.graceMs));
  }

  /** A new login while the old token still lives: nobody meets one that has ended. */
  async #replace(held: Held): Promise<void> {
    const next = await this.#login();
    if (next.token.reveal() !== held.token.reveal()) return;
    // The same token was given again: it cannot be made to live longer here, so nothing is planned for it any more.
    this.#cancel?.();
    this.parts.log.warn(
      { ends_at: new Date(held.endsAtMs).toISOString() },
      'the token for Vault ends, and there is no newer one: set VAULT_TOKEN anew, or VAULT_TOKEN_FILE to one that is kept fresh',
    );
  }

  #failed(held: Held, error: unknown): void {
    this.parts.metrics.renewalErrors.inc({ of: 'token' });
    held.failures += 1;
    const remainingMs = held.endsAtMs - this.#nowMs();
    const { graceMs, failures } = held;
    // What is refused will be refused again: then a new token is what helps.
    const renewable = held.renewable && !(error instanceof VaultFailed && error.fault === 'denied');
    const step = stepAfterFailure({ remainingMs, graceMs, renewable }, failures, this.parts.random());
    this.parts.log.warn({ err: error, failures, next: step.act }, "Vault's token could not be renewed");
    if (step.act === 'let go') this.#held = undefined;
    else this.#plan(held, step);
  }

  async #revoke(token: Secret): Promise<void> {
    try {
      await this.http.call({ method: 'POST', path: 'auth/token/revoke-self', body: {} }, token);
    } catch (error) {
      this.parts.log.warn({ err: error }, "Vault's token could not be given back: it lives until its end");
    }
  }

  #nowMs(): number {
    return this.parts.clock.now().getTime();
  }
}
