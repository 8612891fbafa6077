import { z } from 'zod';
import { defineEvent, type EventOf } from './event.js';
import { userId, username } from './fields.js';

const MAX_DETAILS = 30;
/** Characters of a text in the details, and entries of a list there. */
export const MAX_DETAIL_LENGTH = 500;
export const MAX_DETAIL_ENTRIES = 100;

const scalar = z.union([z.string().max(MAX_DETAIL_LENGTH), z.number(), z.boolean(), z.null()]);
const detail = z.union([scalar, z.array(scalar).max(MAX_DETAIL_ENTRIES)]);
const printable = /^\P{C}*$/u;

/** Whose doing something was, and by what they were known. */
export const auditActor = z.object({
  user_id: userId,
  username,
  via: z.enum(['session', 'api_key', 'internal', 'email', 'slack', 'link', 'standing']),
  /** The session's or the key's id, where it is known. */
  credential_id: z.int().min(1).optional(),
});
export type AuditActor = z.infer<typeof auditActor>;

/** What changed and how: small values, as `{ from, to }` where it was something else before. Never a secret, never a whole document. */
export const auditDetails = z
  .record(
    z.string().regex(/^[a-z][a-z0-9_]{0,39}$/),
    z.union([detail, z.strictObject({ from: detail, to: detail })]),
  )
  .refine((details) => Object.keys(details).length <= MAX_DETAILS, `holds more than ${MAX_DETAILS} entries`);
export type AuditDetails = z.infer<typeof auditDetails>;

/** `user.changed`: what it was about, and what happened to it. */
export const auditAction = z
  .string()
  .max(80)
  .regex(/^[a-z_]+(\.[a-z_]+)+$/, 'is not an action such as user.changed');

/** Somebody, or a service by itself, changed something or was refused. Any service says so; auth keeps it. */
export const auditRecorded = defineEvent(
  'audit.recorded',
  z.object({
    action: auditAction,
    outcome: z.enum(['done', 'refused']),
    by: z.enum(['person', 'anonymous', 'system']),
    /** There when it was by a person. */
    actor: auditActor.optional(),
    address: z.string().max(64).regex(printable).optional(),
    request_id: z.string().max(100).regex(printable).optional(),
    /** What it was done to: `user/12`, `job/job_…`. */
    target: z.string().max(160).regex(printable).optional(),
    details: auditDetails.default({}),
    /** How often within the minute before; more than 1 where refusals of one kind are told of together. */
    count: z.int().min(1).default(1),
  }),
);
export type AuditRecord = EventOf<typeof auditRecorded>['data'];
