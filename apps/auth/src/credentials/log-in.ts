import { Injectable } from '@nestjs/common';
import { hashToken } from '@lineclear/access';
import { Clock, Database } from '@lineclear/kit';
import * as failures from '../db/login-failures.repo.js';
import * as sessions from '../db/sessions.repo.js';
import * as users from '../db/users.repo.js';
import { after, sessionSeconds } from '../domain/session-lifetime.js';
import { NoteDevice } from './note-device.js';
import { accountKey, PasswordGate, type Guess, type Proof } from './password-gate.js';
import { csrfTokenOf, newSessionToken } from './tokens.js';

export interface LoginAttempt extends Guess {
  readonly rememberMe: boolean;
  readonly userAgent: string;
}

export interface LoggedIn {
  readonly state: 'in';
  readonly user: users.UserRow;
  readonly sessionToken: string;
  readonly csrfToken: string;
  readonly lifetimeSeconds: number;
}

const MAX_USER_AGENT_LENGTH = 300;

/** Lets people in by their password. */
@Injectable()
export class LogIn {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly gate: PasswordGate,
    private readonly devices: NoteDevice,
  ) {}

  async attempt(attempt: LoginAttempt): Promise<LoggedIn | Exclude<Proof, { state: 'right' }>> {
    const account = await users.accountByName(this.database, attempt.name);
    const proof = await this.gate.check(account, attempt);
    if (proof.state !== 'right') return proof;
    return (account && (await this.#open(account, attempt))) ?? { state: 'wrong' };
  }

  async #open(account: users.Account, attempt: LoginAttempt): Promise<LoggedIn | undefined> {
    const now = this.clock.now();
    const sessionToken = newSessionToken();
    const csrfToken = csrfTokenOf(sessionToken);
    const lifetimeSeconds = sessionSeconds(attempt.rememberMe);
    return this.database.tx(async (tx) => {
      // The password may have been changed, or the account closed, while the old one was being hashed.
      if (!(await users.loggedIn(tx, account, now))) return undefined;
      await failures.forget(tx, accountKey(account, attempt.name));
      await sessions.insert(tx, {
        userId: account.id,
        tokenSha256: hashToken(sessionToken),
        csrfSha256: hashToken(csrfToken),
        createdAt: now,
        expiresAt: after(now, lifetimeSeconds),
        address: attempt.address,
        userAgent: attempt.userAgent.slice(0, MAX_USER_AGENT_LENGTH),
      });
      await this.devices.note(tx, account, attempt, now);
      const user = await users.byId(tx, account.id);
      return user && { state: 'in', user, sessionToken, csrfToken, lifetimeSeconds };
    });
  }
}
