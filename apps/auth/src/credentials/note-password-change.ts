import { event, type Bus } from '@lineclear/bus';
import { passwordChanged } from '@lineclear/contracts';
import type { Tx } from '@lineclear/kit';
import * as resets from '../db/password-resets.repo.js';

/** What every change of a password brings with it: no link that was asked for before changes it again, and its owner is told. */
export async function notePasswordChange(
  tx: Tx,
  bus: Bus,
  person: { readonly id: number; readonly username: string; readonly email: string | null },
): Promise<void> {
  await resets.voidAllOf(tx, person.id);
  const { id: user_id, username, email } = person;
  const data = { user_id, username, ...(email === null ? {} : { email }) };
  await bus.publish(tx, event(passwordChanged, data, { about: `user/${user_id}` }));
}
