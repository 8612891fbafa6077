import { z } from 'zod';
import { defineEvent } from './event.js';
import { userId, username } from './fields.js';

/** Something about what a user may do changed: every cached principal of that user is stale from now on. */
export const principalChanged = defineEvent('auth.principal_changed', z.object({ user_id: userId }));

export const loginFailure = defineEvent(
  'auth.login_failure',
  z.object({ username, user_id: userId.optional(), address: z.string().max(64), failures: z.int().min(1) }),
);
