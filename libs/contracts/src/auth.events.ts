import { z } from 'zod';
import { defineEvent } from './event.js';
import { userId, username } from './fields.js';

/** Something about what a user may do changed: every cached principal of that user is stale from now on. */
export const principalChanged = defineEvent('auth.principal_changed', z.object({ user_id: userId }));

export const loginFailure = defineEvent(
  'auth.login_failure',
  z.object({ username, user_id: userId.optional(), address: z.string().max(64), failures: z.int().min(1) }),
);

/** A person logged in with a program, or from a network, that was never seen with them; not said of a first login. */
export const newDevice = defineEvent(
  'auth.new_device',
  z.object({ user_id: userId, username, device: z.string().min(1).max(100), address: z.string().max(64) }),
);
