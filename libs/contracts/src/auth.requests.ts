import { z } from 'zod';
import { email, orgId, teamId, userId, username } from './fields.js';
import { levelName, MAX_LEVELS } from './permissions.js';
import { principal } from './principal.js';
import { defineRequest } from './request.js';
import { sealedBox } from './secrets.requests.js';

/** Whose token is this? Asked by the token's SHA-256 (hex), so that no token travels; `null` is nobody's. */
export const introspect = defineRequest(
  'auth.introspect',
  z.object({ kind: z.enum(['session', 'api_key']), token_sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.object({ principal: principal.nullable(), csrf_sha256: z.string().length(64).optional() }),
);

/**
 * The link by which a person sets a new password, sealed to `public_key` (X25519 SPKI DER, base64). Each asking makes a new
 * one and voids the one before; without `box` the reset is over, or was asked for too often.
 */
export const resetLink = defineRequest(
  'auth.reset_link',
  z.object({ reset_id: z.uuid(), public_key: z.string().max(200) }),
  z.object({ box: sealedBox.optional() }),
);

/** Where somebody hears what is for them alone. Without `mailbox` they have no address, or are not there any more. */
export const mailboxOf = defineRequest(
  'auth.mailbox',
  z.object({ user_id: userId }),
  z.object({ mailbox: z.object({ username, email }).optional() }),
);

/** Somebody to write to. */
export const person = z.object({ user_id: userId, username, email });

/** More people than these are not asked for one approval. */
export const MAX_APPROVERS = 50;

/**
 * Whose approval can be asked for by mail: active people with an address who may approve, reach all of `levels`, may decide
 * on jobs of that organisation (null: of none) and are not `not`. Those of the lowest level first.
 */
export const approversFor = defineRequest(
  'auth.approvers',
  z.object({
    org_id: orgId.nullable(),
    levels: z
      .array(levelName)
      .min(1)
      .max(MAX_LEVELS + 1),
    /** Of this team alone. */
    team_id: teamId.optional(),
    not: userId,
  }),
  z.object({ people: z.array(person).max(MAX_APPROVERS) }),
);

/** What a decision asks of somebody, as it is now, whatever their keys may do. */
const decider = principal.pick({
  user_id: true,
  username: true,
  email: true,
  level: true,
  reaches: true,
  permissions: true,
  org: true,
  teams: true,
});

/** Who decides by mail, where no credential says it. Null: nobody who is active and has an address. */
export const deciderNow = defineRequest(
  'auth.decider',
  z.object({ user_id: userId }),
  z.object({ decider: decider.nullable() }),
);

/** Who is a caller without any credential from this address? `null` where the configuration lets in none. */
export const internalPrincipal = defineRequest(
  'auth.internal_principal',
  z.object({ address: z.string().max(64) }),
  z.object({ principal: principal.nullable() }),
);
