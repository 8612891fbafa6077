import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Bus, event } from '@lineclear/bus';
import { loginFailure } from '@lineclear/contracts';
import { Clock, Database } from '@lineclear/kit';
import * as failures from '../db/login-failures.repo.js';
import type { Account } from '../db/users.repo.js';
import { ACCOUNT_RULE, ADDRESS_RULE, addressGroup } from '../domain/lock-out.js';
import { Passwords } from './passwords.js';

export interface Guess {
  /** The name as typed, whether there is such an account or not. */
  readonly name: string;
  readonly password: string;
  readonly address: string;
}

export type Proof =
  | { readonly state: 'right' }
  | { readonly state: 'wrong' }
  | { readonly state: 'locked'; readonly retryAfterSeconds: number };

/** Who types a name that nobody has may have typed a password into the wrong field: it is told to nobody. */
const UNKNOWN_NAME = '(unknown)';

/** The one place where a password is compared: every wrong one counts, for its account and for the address it came from. */
@Injectable()
export class PasswordGate {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly passwords: Passwords,
  ) {}

  async check(account: Account | undefined, guess: Guess): Promise<Proof> {
    const counters = [
      { key: accountKey(account, guess.name), rule: ACCOUNT_RULE },
      { key: `address:${addressGroup(guess.address)}`, rule: ADDRESS_RULE },
    ];
    const locked = await this.#locked(counters);
    if (locked) return locked;
    const matches = await this.passwords.matches(
      account?.is_active ? account.password_hash : undefined,
      guess.password,
    );
    // Guesses sent all at once came past the first look together; by now the first of them have been counted.
    const lockedMeanwhile = await this.#locked(counters);
    if (lockedMeanwhile) return lockedMeanwhile;
    if (matches) return { state: 'right' };
    await this.#count(account, guess, counters);
    return { state: 'wrong' };
  }

  async #locked(counters: readonly failures.Counter[]): Promise<Proof | undefined> {
    const retryAfterSeconds = await failures.lockedSeconds(this.database, counters, this.clock.now());
    return retryAfterSeconds > 0 ? { state: 'locked', retryAfterSeconds } : undefined;
  }

  async #count(
    account: Account | undefined,
    guess: Guess,
    counters: readonly failures.Counter[],
  ): Promise<void> {
    await this.database.tx(async (tx) => {
      const counted = await failures.count(tx, counters, this.clock.now());
      if (counted === undefined) return;
      const data = {
        username: account?.username ?? UNKNOWN_NAME,
        ...(account ? { user_id: account.id } : {}),
        address: guess.address,
        failures: counted,
      };
      await this.bus.publish(
        tx,
        event(loginFailure, data, { about: account ? `user/${account.id}` : 'user/unknown' }),
      );
    });
  }
}

/** What an account's failures are counted under, whichever of its names was typed. */
export function accountKey(account: Pick<Account, 'id'> | undefined, name: string): string {
  if (account) return `user:${account.id}`;
  // Few characters of the hash: enough to count by, too few to find a mistyped password again.
  return `name:${createHash('sha256').update(name.toLowerCase()).digest('hex').slice(0, 8)}`;
}
