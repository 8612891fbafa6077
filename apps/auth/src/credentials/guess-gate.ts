import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { loginFailure } from '@lineclear/contracts';
import { addressGroup, Clock, Database } from '@lineclear/kit';
import * as failures from '../db/login-failures.repo.js';
import { ACCOUNT_RULE, ADDRESS_RULE } from '../domain/lock-out.js';

export interface Guess {
  /** What its failures are counted under, beside its address. */
  readonly key: string;
  readonly address: string;
  /** Whose secret is guessed, where that is known. */
  readonly account: { readonly id: number; readonly username: string } | undefined;
}

export interface Locked {
  readonly state: 'locked';
  readonly retryAfterSeconds: number;
}
export type Outcome<Proven> =
  { readonly state: 'right'; readonly proven: Proven } | { readonly state: 'wrong' } | Locked;

/** Who types a name that nobody has may have typed a password into the wrong field: it is told to nobody. */
const UNKNOWN_NAME = '(unknown)';

/** What every guess of a secret goes through: each wrong one counts, for what was guessed at and for the address it came from. */
@Injectable()
export class GuessGate {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  /** Lets a guess be proved unless too many were wrong; `prove` says undefined for a wrong one, and what it throws counts as none. */
  async pass<Proven>(guess: Guess, prove: () => Promise<Proven | undefined>): Promise<Outcome<Proven>> {
    const counters = [{ key: guess.key, rule: ACCOUNT_RULE }, addressCounter(guess.address)];
    const locked = await this.#locked(counters);
    if (locked) return locked;
    const proven = await prove();
    // Guesses sent all at once came past the first look together; by now the first of them have been counted.
    const lockedMeanwhile = await this.#locked(counters);
    if (lockedMeanwhile) return lockedMeanwhile;
    if (proven !== undefined) return { state: 'right', proven };
    await this.#count(guess, counters);
    return { state: 'wrong' };
  }

  async #locked(counters: readonly failures.Counter[]): Promise<Locked | undefined> {
    const retryAfterSeconds = await failures.lockedSeconds(this.database, counters, this.clock.now());
    return retryAfterSeconds > 0 ? { state: 'locked', retryAfterSeconds } : undefined;
  }

  async #count({ account, address }: Guess, counters: readonly failures.Counter[]): Promise<void> {
    await this.database.tx(async (tx) => {
      const counted = await failures.count(tx, counters, this.clock.now());
      if (counted === undefined) return;
      const data = {
        username: account?.username ?? UNKNOWN_NAME,
        ...(account ? { user_id: account.id } : {}),
        address,
        failures: counted,
      };
      await this.bus.publish(
        tx,
        event(loginFailure, data, { about: account ? `user/${account.id}` : 'user/unknown' }),
        audited('auth.login_failed', {
          outcome: 'refused',
          ...(account ? { target: `user/${account.id}` } : {}),
          details: { username: data.username, failures: counted },
        }),
      );
    });
  }
}

/** What wrong guesses from an address are counted on, whatever was guessed. */
export const addressCounter = (address: string): failures.Counter => ({
  key: `address:${addressGroup(address)}`,
  rule: ADDRESS_RULE,
});

/** What stands for a typed name where failures are counted: few characters of a hash, enough to count by, too few to find a mistyped password again. */
export const typedName = (name: string): string =>
  createHash('sha256').update(name).digest('hex').slice(0, 8);
