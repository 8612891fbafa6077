import { Injectable } from '@nestjs/common';
import type { Account } from '../db/users.repo.js';
import { GuessGate, typedName, type Outcome } from './guess-gate.js';
import { Passwords } from './passwords.js';

/** Who says to be whom, from where. */
export interface Claim {
  /** The name as typed, whether there is such an account or not. */
  readonly name: string;
  readonly address: string;
}

export interface PasswordGuess extends Claim {
  readonly password: string;
}

export type Proof = Outcome<true>;

/** The one place where a password, or what else proves who somebody is here, is looked at. */
@Injectable()
export class PasswordGate {
  constructor(
    private readonly gate: GuessGate,
    private readonly passwords: Passwords,
  ) {}

  check(account: Account | undefined, guess: PasswordGuess): Promise<Proof> {
    const hash = account?.is_active ? account.password_hash : undefined;
    return this.judge(account, guess, () => this.passwords.matches(hash, guess.password));
  }

  /** The same for other proofs than a password: they count together. */
  judge(
    account: Account | undefined,
    { name, address }: Claim,
    proves: () => Promise<boolean>,
  ): Promise<Proof> {
    return this.gate.pass(
      { key: accountKey(account, name), address, account },
      async () => (await proves()) || undefined,
    );
  }
}

/** What an account's failures are counted under, whichever of its names was typed. */
export const accountKey = (account: Pick<Account, 'id'> | undefined, name: string): string =>
  account ? `user:${account.id}` : `name:${typedName(name.toLowerCase())}`;
