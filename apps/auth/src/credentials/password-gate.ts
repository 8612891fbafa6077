import { Injectable } from '@nestjs/common';
import type { Account } from '../db/users.repo.js';
import { GuessGate, typedName, type Outcome } from './guess-gate.js';
import { Passwords } from './passwords.js';

export interface PasswordGuess {
  /** The name as typed, whether there is such an account or not. */
  readonly name: string;
  readonly password: string;
  readonly address: string;
}

/** The one place where a password is compared. */
@Injectable()
export class PasswordGate {
  constructor(
    private readonly gate: GuessGate,
    private readonly passwords: Passwords,
  ) {}

  check(account: Account | undefined, { name, password, address }: PasswordGuess): Promise<Outcome<true>> {
    const hash = account?.is_active ? account.password_hash : undefined;
    return this.gate.pass(
      { key: accountKey(account, name), address, account },
      async () => (await this.passwords.matches(hash, password)) || undefined,
    );
  }
}

/** What an account's failures are counted under, whichever of its names was typed. */
export const accountKey = (account: Pick<Account, 'id'> | undefined, name: string): string =>
  account ? `user:${account.id}` : `name:${typedName(name.toLowerCase())}`;
