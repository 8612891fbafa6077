import { Injectable } from '@nestjs/common';
import { Clock, Database } from '@lineclear/kit';
import * as failures from '../db/login-failures.repo.js';
import * as users from '../db/users.repo.js';
import { sessionSeconds } from '../domain/session-lifetime.js';
import type { Locked } from './guess-gate.js';
import { NoteDevice } from './note-device.js';
import { openSession, type OpenedSession } from './open-session.js';
import { accountKey, PasswordGate, type PasswordGuess } from './password-gate.js';

export interface LoginAttempt extends PasswordGuess {
  readonly rememberMe: boolean;
  readonly userAgent: string;
}

export interface LoggedIn extends OpenedSession {
  readonly state: 'in';
  readonly user: users.UserRow;
}

/** Lets people in by their password. */
@Injectable()
export class LogIn {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly gate: PasswordGate,
    private readonly devices: NoteDevice,
  ) {}

  async attempt(attempt: LoginAttempt): Promise<LoggedIn | { readonly state: 'wrong' } | Locked> {
    const account = await users.accountByName(this.database, attempt.name);
    const proof = await this.gate.check(account, attempt);
    if (proof.state !== 'right') return proof;
    return (account && (await this.#open(account, attempt))) ?? { state: 'wrong' };
  }

  async #open(account: users.Account, attempt: LoginAttempt): Promise<LoggedIn | undefined> {
    const now = this.clock.now();
    return this.database.tx(async (tx) => {
      // The password may have been changed, or the account closed, while the old one was being hashed.
      if (!(await users.loggedIn(tx, account, now))) return undefined;
      await failures.forget(tx, accountKey(account, attempt.name));
      await this.devices.note(tx, account, attempt, now);
      const lifetimeSeconds = sessionSeconds(attempt.rememberMe);
      const opened = await openSession(tx, { ...attempt, userId: account.id, lifetimeSeconds, now });
      const user = await users.byId(tx, account.id);
      return user && { state: 'in', user, ...opened };
    });
  }
}
