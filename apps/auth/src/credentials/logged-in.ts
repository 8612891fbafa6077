import { audited } from '@lineclear/access';
import type { Outgoing } from '@lineclear/bus';

/** The audit log's entry on a login: whoever it is of was nobody until now. */
export const loggedIn = (
  { id, username }: { readonly id: number; readonly username: string },
  by: string,
): Outgoing =>
  audited('auth.logged_in', {
    target: `user/${id}`,
    details: { by },
    actor: { user_id: id, username, via: 'session' },
  });
