import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { principalChanged, type Principal } from '@lineclear/contracts';
import { BadInput, Conflict, Database, NotAuthenticated, TooMany } from '@lineclear/kit';
import * as sessions from '../db/sessions.repo.js';
import * as users from '../db/users.repo.js';
import { notePasswordChange } from './note-password-change.js';
import { PasswordGate } from './password-gate.js';
import { Passwords } from './passwords.js';

/** A person's own new password. It ends every other session: whoever else knew the old one is out. */
@Injectable()
export class ChangeOwnPassword {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly gate: PasswordGate,
    private readonly passwords: Passwords,
  ) {}

  async change(caller: Principal, given: { current: string; next: string; address: string }): Promise<void> {
    const account = await users.accountById(this.database, caller.user_id);
    if (!account) throw new NotAuthenticated();
    if (account.kind === 'service') throw new Conflict('a service account has no password');
    const fault = await this.passwords.fault(given.next, account);
    if (fault !== undefined) throw BadInput.at('new_password', fault);
    if (given.next === given.current) throw BadInput.at('new_password', 'is the current password');
    const proof = await this.gate.check(account, {
      name: account.username,
      password: given.current,
      address: given.address,
    });
    if (proof.state === 'locked')
      throw new TooMany('too many wrong passwords; wait before the next try', proof.retryAfterSeconds);
    if (proof.state === 'wrong') throw BadInput.at('current_password', 'is not the current password');
    const passwordHash = await this.passwords.hash(given.next);
    await this.database.tx(async (tx) => {
      if (!(await users.changePassword(tx, account, passwordHash)))
        throw new Conflict('the password was changed by someone else just now');
      await sessions.endAllOf(tx, account.id, caller.via === 'session' ? caller.credential_id : undefined);
      await notePasswordChange(tx, this.bus, account);
      await this.bus.publish(
        tx,
        event(principalChanged, { user_id: account.id }, { about: `user/${account.id}` }),
        audited('user.password_changed', { target: `user/${account.id}` }),
      );
    });
  }
}
