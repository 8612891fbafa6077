import { z } from 'zod';
import { defineEvent } from './event.js';
import { reason } from './fields.js';

/** A message was given up after its last attempt, or its channel was switched off because nothing gets there. */
export const webhookFailure = defineEvent(
  'system.webhook_failure',
  z.object({
    channel_id: z.int().min(1),
    channel_name: z.string().max(120),
    delivery_id: z.uuid(),
    event_type: z.string().max(80),
    attempts: z.int().min(1),
    message: reason,
    channel_disabled: z.boolean().optional(),
  }),
);
