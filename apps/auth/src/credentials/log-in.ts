import { Injectable } from '@nestjs/common';
import { Database } from '@lineclear/kit';
import * as users from '../db/users.repo.js';
import { LetIn, type LoggedIn, type Visit } from './let-in.js';
import { PasswordGate, type PasswordGuess, type Proof } from './password-gate.js';

/** Lets people in by their password. */
@Injectable()
export class LogIn {
  constructor(
    private readonly database: Database,
    private readonly gate: PasswordGate,
    private readonly door: LetIn,
  ) {}

  async attempt(attempt: PasswordGuess & Visit): Promise<LoggedIn | Exclude<Proof, { state: 'right' }>> {
    const account = await users.accountByName(this.database, attempt.name);
    const proof = await this.gate.check(account, attempt);
    if (proof.state !== 'right') return proof;
    const opened = account && (await this.database.tx((tx) => this.door.open(tx, account, attempt)));
    return opened ?? { state: 'wrong' };
  }
}
