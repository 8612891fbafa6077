import { z } from 'zod';
import { defineEvent } from './event.js';
import { reason } from './fields.js';

/** A consumer gave up on an event; it waits in the dead-letter stream to be replayed or discarded. Any service may say so. */
export const deadLetter = defineEvent(
  'system.dead_letter',
  z.object({
    service: z.string().max(40),
    event_type: z.string().max(80),
    event_id: z.string().max(64),
    reason,
  }),
);
