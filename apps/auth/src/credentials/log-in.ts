import { Injectable } from '@nestjs/common';
import { Database } from '@lineclear/kit';
import * as users from '../db/users.repo.js';
import { LetIn, type LoggedIn, type Visit } from './let-in.js';
import { PasswordGate, type PasswordGuess, type Proof } from './password-gate.js';
import { SecondFactors } from './second-factors.js';
import { SecondStep, type SecondFactorNeeded, type SecondStepRefused } from './second-step.js';

export interface LoginAttempt extends PasswordGuess, Visit {
  /** Sent along by programs, which then need no second request. */
  readonly totpCode?: string | undefined;
}
export type LoginRefused = Exclude<Proof, { state: 'right' }> | SecondStepRefused;

/** Lets people in by their password; those who have a second factor show that too. */
@Injectable()
export class LogIn {
  constructor(
    private readonly database: Database,
    private readonly gate: PasswordGate,
    private readonly factors: SecondFactors,
    private readonly secondStep: SecondStep,
    private readonly door: LetIn,
  ) {}

  async attempt(attempt: LoginAttempt): Promise<LoggedIn | SecondFactorNeeded | LoginRefused> {
    const account = await users.accountByName(this.database, attempt.name);
    const proof = await this.gate.check(account, attempt);
    if (proof.state !== 'right') return proof;
    if (!account) return { state: 'wrong' };
    const kinds = await this.factors.accepted(account.id);
    if (kinds.length > 0) {
      const { totpCode: code } = attempt;
      if (code === undefined) return this.secondStep.begin(account, attempt, kinds);
      const refused = await this.secondStep.refusal(account, { kind: 'totp', code }, attempt);
      if (refused) return refused;
    }
    const by = kinds.length > 0 ? 'password_and_factor' : 'password';
    const opened = await this.database.tx((tx) => this.door.open(tx, account, attempt, by));
    return opened ?? { state: 'wrong' };
  }
}
