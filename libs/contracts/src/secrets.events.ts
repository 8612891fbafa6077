import { z } from 'zod';
import { defineEvent } from './event.js';
import { secretName, userId } from './fields.js';

/** A stored secret has a new version, or is gone (`version` 0). Never its value. */
export const secretChanged = defineEvent(
  'secret.changed',
  z.object({ name: secretName, version: z.int().min(0), by_user_id: userId.optional() }),
);
