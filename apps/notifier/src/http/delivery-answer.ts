import { z } from 'zod';
import { DELIVERY_STATES } from '../db/delivery.entity.js';
import type { LoggedDelivery } from '../db/history.repo.js';
import { CHANNEL_TYPES } from '../domain/channel.js';
import { WAIT_REASONS } from '../domain/endpoint-gate.js';
import { OWN_WAITS } from '../domain/own-waits.js';
import { SEVERITIES } from '../domain/severity.js';

const instant = z.iso.datetime();

export const deliveryAnswer = z.object({
  id: z.uuid(),
  event_id: z.uuid(),
  event_type: z.string(),
  severity: z.enum(SEVERITIES),
  job_id: z.string().optional(),
  channel_id: z.int(),
  channel_type: z.enum(CHANNEL_TYPES),
  recipient: z.string().optional(),
  status: z.enum(DELIVERY_STATES),
  error: z.string().optional(),
  /** Why it is not sent yet although it might be. */
  waits_for: z.enum([...WAIT_REASONS, ...OWN_WAITS]).optional(),
  /** The channel that it was meant for, which was off or had failed for good. */
  instead_of: z.int().optional(),
  created_at: instant,
  next_attempt_at: instant.optional(),
  finished_at: instant.optional(),
  attempts: z.array(
    z.object({
      number: z.int(),
      ended_at: instant,
      duration_ms: z.int(),
      status_code: z.int().optional(),
      error: z.string().optional(),
      response: z.string().optional(),
    }),
  ),
});

const present = <T extends object>(from: T): { [K in keyof T]?: Exclude<T[K], null | undefined> } =>
  Object.fromEntries(
    Object.entries(from).filter(([, value]) => value !== null && value !== undefined),
  ) as never;

/** A delivery as the wire shows it. */
export const showDelivery = (row: LoggedDelivery): z.infer<typeof deliveryAnswer> => ({
  id: row.id,
  event_id: row.event_id,
  event_type: row.event_type,
  severity: row.severity,
  channel_id: row.channel_id,
  channel_type: row.channel_type,
  status: row.state,
  created_at: row.created_at.toISOString(),
  ...present({
    job_id: row.job_id,
    recipient: row.recipient === '' ? null : row.recipient,
    error: row.last_error,
    waits_for: row.waits_for,
    instead_of: row.instead_of,
    next_attempt_at: row.next_attempt_at?.toISOString(),
    finished_at: row.finished_at?.toISOString(),
  }),
  attempts: row.log.map(({ number, ended_at, duration_ms, status_code, error, response }) => ({
    number,
    ended_at: new Date(ended_at).toISOString(),
    duration_ms,
    ...present({ status_code, error, response }),
  })),
});
