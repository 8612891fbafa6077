import { z } from 'zod';
import { jobId, orgId, secretName, teamId, userId } from './fields.js';
import { levelName } from './permissions.js';
import { defineRequest } from './request.js';

/** What only the asker can open: a compact JWE (RFC 7516), ECDH-ES with A256GCM, to a key of X25519. */
export const sealedBox = z.string().max(400_000);

/** An attempt of a job, whose it is, and the team and the organisation that it counts under. */
const run = {
  job_id: jobId,
  attempt: z.int().min(1),
  user_id: userId,
  team_id: teamId.optional(),
  org_id: orgId.optional(),
};

/**
 * The values of these secrets, as a JSON object of name to value sealed to `public_key` (X25519 SPKI DER, base64).
 * `for` says on whose behalf; names that no source has are listed in `missing` and then nothing is sealed. A provider's
 * credential is that of the people whose job it is `on_behalf` of, as the policy of the provider says; an attempt gets the same
 * again, but for a `refused_version`, which the provider does not take. What a provider proves its
 * `webhooks` with is everybody's, whatever the policy. `used` tells which they were, and whose.
 */
export const resolveSecrets = defineRequest(
  'secrets.resolve',
  z.object({
    names: z.array(secretName).min(1).max(1_000),
    for: z.discriminatedUnion('purpose', [
      z.object({ purpose: z.literal('run'), ...run }),
      z.object({
        purpose: z.literal('provider'),
        provider: z.string().max(40),
        on_behalf: z.object({ ...run, refused_version: z.int().min(1).optional() }).optional(),
        webhooks: z.literal(true).optional(),
      }),
      z.object({ purpose: z.literal('channel'), channel_id: z.int().min(1) }),
    ]),
    public_key: z.string().max(200),
  }),
  z.object({
    box: sealedBox.optional(),
    missing: z.array(secretName),
    used: z
      .array(
        z.object({
          name: secretName,
          scope: z.string().max(60),
          source: z.string().max(40),
          version: z.int().min(1).optional(),
        }),
      )
      // What templates refer to comes on top of what was asked for.
      .max(1_200)
      .optional(),
  }),
);

/** A secret that is given to a job only once somebody of a level has said yes to that job; `scope` says which of that name. */
export const secretDemand = z.object({ name: secretName, scope: z.string().max(60), level: levelName });
export type SecretDemand = z.infer<typeof secretDemand>;

export const MAX_SECRETS_OF_JOB = 50;
export const MAX_DEMANDING_JOBS = 64;

/** Which of the secrets that these jobs name take an approval? One list per job, in the same order. */
export const secretDemands = defineRequest(
  'secrets.demands',
  z.object({
    jobs: z
      .array(
        z.object({
          user_id: userId,
          team_id: teamId.optional(),
          org_id: orgId.optional(),
          names: z.array(secretName).min(1).max(MAX_SECRETS_OF_JOB),
        }),
      )
      .min(1)
      .max(MAX_DEMANDING_JOBS),
  }),
  z.object({ demands: z.array(z.array(secretDemand).max(MAX_SECRETS_OF_JOB)) }),
);

/** Stores a secret that another service was given (a channel's password), sealed to the key of `secrets.public_key`. */
export const storeSecret = defineRequest(
  'secrets.store',
  z.object({ name: secretName, box: sealedBox }),
  z.object({ version: z.int().min(1) }),
);
export const deleteSecret = defineRequest(
  'secrets.delete',
  z.object({ name: secretName }),
  z.object({ deleted: z.boolean() }),
);
/** The key (X25519 SPKI DER, base64) to which values for the secrets service are sealed. */
export const secretsPublicKey = defineRequest(
  'secrets.public_key',
  z.object({}),
  z.object({ public_key: z.string().max(200) }),
);

/** Characters of all texts of one question together: a whole submit fits. */
export const MAX_SCANNED_CHARACTERS = 300_000;
export const MAX_SCANNED_TEXTS = 50;

/**
 * Which of these texts hold the value of a stored secret, in any way of writing it? The texts are as sensitive as the values
 * that may be in them: whoever answers keeps and logs none. `name` is there only if the secret is everybody's or `user_id`'s own.
 */
export const scanTexts = defineRequest(
  'secrets.scan',
  z.object({
    texts: z
      .array(
        z.object({
          path: z.string().max(200),
          text: z.string().max(MAX_SCANNED_CHARACTERS),
          user_id: userId,
        }),
      )
      .min(1)
      .max(MAX_SCANNED_TEXTS)
      .refine(
        (texts) => texts.reduce((sum, { text }) => sum + text.length, 0) <= MAX_SCANNED_CHARACTERS,
        `are longer than ${MAX_SCANNED_CHARACTERS} characters together`,
      ),
  }),
  z.object({
    found: z
      .array(
        z.object({
          path: z.string().max(200),
          name: secretName.optional(),
          scope: z.enum(['global', 'own', 'other']),
        }),
      )
      .max(1_000),
  }),
);
