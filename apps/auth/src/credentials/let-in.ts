import { Injectable } from '@nestjs/common';
import { Bus } from '@lineclear/bus';
import { Clock, type Tx } from '@lineclear/kit';
import * as failures from '../db/login-failures.repo.js';
import * as users from '../db/users.repo.js';
import { sessionSeconds } from '../domain/session-lifetime.js';
import { loggedIn } from './logged-in.js';
import { NoteDevice } from './note-device.js';
import { openSession, type OpenedSession } from './open-session.js';
import { accountKey } from './password-gate.js';

/** Where somebody comes from, and for how long they mean to stay. */
export interface Visit {
  readonly address: string;
  readonly userAgent: string;
  readonly rememberMe: boolean;
}

export interface LoggedIn extends OpenedSession {
  readonly state: 'in';
  readonly user: users.UserRow;
}

/** With what somebody showed who they are. */
export type LoginBy = 'password' | 'password_and_factor' | 'passkey';

/** The end of every login of this house's own: a session for somebody who has shown who they are. */
@Injectable()
export class LetIn {
  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly devices: NoteDevice,
  ) {}

  /** @returns undefined when the account is not as it was when its owner showed who they are. */
  async open(tx: Tx, account: users.Account, visit: Visit, by: LoginBy): Promise<LoggedIn | undefined> {
    const now = this.clock.now();
    // The password may have been changed, or the account closed, while what they showed was looked at.
    if (!(await users.loggedIn(tx, account, now))) return undefined;
    await failures.forget(tx, accountKey(account, account.username));
    await this.devices.note(tx, account, visit, now);
    const lifetimeSeconds = sessionSeconds(visit.rememberMe);
    const opened = await openSession(tx, { ...visit, userId: account.id, lifetimeSeconds, now });
    await this.bus.publish(tx, loggedIn(account, by));
    const user = await users.byId(tx, account.id);
    return user && { state: 'in', user, ...opened };
  }
}
