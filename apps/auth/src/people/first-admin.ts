import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { BadInput, Clock, Conflict, Database } from '@lineclear/kit';
import { Passwords } from '../credentials/passwords.js';
import * as users from '../db/users.repo.js';

export interface FirstAdminRequest {
  readonly username: string;
  readonly email: string;
  readonly password: string;
  readonly displayName?: string | undefined;
}

/** Makes the first person, who is an admin; only while there is nobody at all. */
@Injectable()
export class FirstAdmin {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly passwords: Passwords,
  ) {}

  async create(request: FirstAdminRequest): Promise<users.UserRow> {
    if ((await users.counts(this.database)).people > 0) throw alreadySetUp();
    const fault = await this.passwords.fault(request.password, request);
    if (fault !== undefined) throw BadInput.at('password', fault);
    const password_hash = await this.passwords.hash(request.password);
    const { username, email, displayName: display_name = username } = request;
    const made = this.database.tx(async (tx) => {
      // Of several callers at once one gets here first, and the others then find it done.
      await users.lockRights(tx);
      if ((await users.counts(tx)).people > 0) throw alreadySetUp();
      const id = await users.insert(
        tx,
        { username, email, display_name, level: 'admin', kind: 'person', password_hash },
        this.clock.now(),
      );
      const details = { username, level: 'admin', is_first: true };
      await this.bus.publish(tx, audited('user.created', { target: `user/${id}`, details }));
      return (await users.byId(tx, id))!;
    });
    return users.refuseTaken(made);
  }
}

const alreadySetUp = (): Conflict =>
  new Conflict('there are users already: an admin among them makes the others');
