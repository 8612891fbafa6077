import { z } from 'zod';
import { defineEvent, type EventOf } from './event.js';
import { email, instant, userId, username } from './fields.js';
import { levelName, MAX_LEVELS } from './permissions.js';
import type { Principal } from './principal.js';
import { QUOTA_ACTIONS, quotaKey, quotaLimit } from './quotas.js';

/** Something about what a user may do changed: every cached principal of that user is stale from now on. */
export const principalChanged = defineEvent('auth.principal_changed', z.object({ user_id: userId }));

/** Something about what all people of these levels may do changed; without `levels`, about what everyone may do. */
export const principalsChanged = defineEvent(
  'auth.principals_changed',
  z.object({ levels: z.array(levelName).min(1).max(MAX_LEVELS).optional() }),
);

/** Whether a cached principal is stale from now on. */
export const isConcerned = (
  { levels }: EventOf<typeof principalsChanged>['data'],
  { level }: Pick<Principal, 'level'>,
): boolean => levels === undefined || levels.includes(level);

export const loginFailure = defineEvent(
  'auth.login_failure',
  z.object({ username, user_id: userId.optional(), address: z.string().max(64), failures: z.int().min(1) }),
);

/** A person logged in with a program, or from a network, that was never seen with them; not said of a first login. */
export const newDevice = defineEvent(
  'auth.new_device',
  z.object({ user_id: userId, username, device: z.string().min(1).max(100), address: z.string().max(64) }),
);

/** A quota was set, or (without a limit) taken away. The event's `sequence` rises with every change of any quota. */
export const quotaChanged = defineEvent(
  'quota.changed',
  quotaKey.extend({ limit: quotaLimit.optional(), action: z.enum(QUOTA_ACTIONS).optional() }),
);

/** Somebody who says to have forgotten a password is to get a link by mail. The link is not in here: the mailer asks for it. */
export const passwordResetRequested = defineEvent(
  'auth.password_reset_requested',
  z.object({ reset_id: z.uuid(), user_id: userId, username, email, expires_at: instant }),
);

/** A person has a new password, whoever set it; without `email` they have no address to be told at. */
export const passwordChanged = defineEvent(
  'auth.password_changed',
  z.object({ user_id: userId, username, email: email.optional() }),
);
