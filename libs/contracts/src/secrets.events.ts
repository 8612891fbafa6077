import { z } from 'zod';
import { defineEvent } from './event.js';
import { instant, secretName, userId, username } from './fields.js';

/** `global`, or whose: `user:12`. */
const scope = z.string().max(60);
const version = z.int().min(1);
const keyId = z.string().max(80);

/** A stored secret has a new version, or is gone (`version` 0). Never its value. */
export const secretChanged = defineEvent(
  'secret.changed',
  z.object({
    name: secretName,
    scope: scope.optional(),
    version: z.int().min(0),
    by_user_id: userId.optional(),
  }),
);

/** A secret's value ends soon, or has ended: after that it is handed to nobody. */
export const secretExpiring = defineEvent(
  'secret.expiring',
  z.object({ scope, name: secretName, version, expires_at: instant }),
);

/** A secret's value was set more than 90 days ago. */
export const secretStale = defineEvent(
  'secret.stale',
  z.object({ scope, name: secretName, version, set_at: instant }),
);

/** Somebody took a secret's value in an emergency. It has to have a new one by then, or is handed to nobody. */
export const secretGlassBroken = defineEvent(
  'secret.glass_broken',
  z.object({
    scope,
    name: secretName,
    version,
    by_user_id: userId,
    by: username,
    reason: z.string().max(500),
    must_rotate_by: instant,
  }),
);

/** The same, told to whose own secret it was. */
export const ownSecretTaken = defineEvent(
  'secret.own_taken',
  z.object({
    user_id: userId,
    name: secretName,
    version,
    by: username,
    reason: z.string().max(500),
    must_rotate_by: instant,
  }),
);

/** There is a new key-encryption key; data keys are being wrapped with it. */
export const kekRotated = defineEvent('kek.rotated', z.object({ key_id: keyId, version }));

/** Nothing is wrapped with this key any more, and it is gone. */
export const kekRetired = defineEvent('kek.retired', z.object({ key_id: keyId, version }));
