import { fields, levelName } from '@lineclear/contracts';
import { z } from 'zod';
import { FRESHNESS } from '../domain/freshness.js';
import { isChannelName, SOURCES } from '../domain/lookup.js';
import { SCOPES } from '../domain/scopes.js';
import { secretValue } from '../domain/secret-value.js';

const MAX_VERSION = 2_147_483_647;

/** Everybody's, the caller's own, a team's or an organisation's. */
const scope = z.enum(SCOPES).default('global');
const MAX_ID = 2_147_483_647;
export const idOf = z.int().min(1).max(MAX_ID);
/** Whose. `team` and `org` are ids; without one, the caller's only team or their organisation. */
export const whose = {
  scope,
  team: idOf.optional(),
  org: idOf.optional(),
};
const whoseQuery = {
  scope,
  team: z.coerce.number().int().min(1).max(MAX_ID).optional(),
  org: z.coerce.number().int().min(1).max(MAX_ID).optional(),
};
const told = { scope: z.enum(SCOPES), team_id: z.int().optional(), org_id: z.int().optional() };

const settableName = fields.secretName.refine(
  (name) => !isChannelName(name),
  'names that start with "channel." are set by notification channels',
);
export const nameParam = fields.secretName;
export const settableNameParam = settableName;

/** Where it is kept: this service's own store, or the file of secrets, which is everybody's and holds names and values alone. */
const source = z.enum(['store', 'file']).default('store');
const FOR_THE_STORE = [
  'description',
  'expires_at',
  'expected_version',
  'template',
  'requires_approval',
  'approval_level',
] as const;
const IN_FILE = 'the file is for scope "global"';

const description = z.string().trim().min(1).max(500);
const expiresAt = z.iso.datetime({ offset: true });
/** Whether a job gets it only once somebody has said yes to the job, and of which level they have to be. */
const demand = { requires_approval: z.boolean().optional(), approval_level: levelName.optional() };
const LEVEL_OF_NOTHING = { path: ['approval_level'], message: 'goes with requires_approval: true' };
const isDemand = (set: {
  requires_approval?: boolean | undefined;
  approval_level?: string | undefined;
}): boolean => set.approval_level === undefined || set.requires_approval === true;

export const setSecret = z
  .strictObject({
    name: settableName,
    value: secretValue,
    description: description.optional(),
    ...whose,
    /** After which the value is handed to nobody. */
    expires_at: expiresAt.optional(),
    /** The version that the caller takes for the current one, 0 for none: another one is there, and nothing is set. */
    expected_version: z.int().min(0).max(MAX_VERSION).optional(),
    source,
    /** `${NAME}` in the value stands for the value of another secret, `$${` for `${` itself. */
    template: z.boolean().optional(),
    ...demand,
  })
  .refine(isDemand, LEVEL_OF_NOTHING)
  .refine((set) => set.source === 'store' || set.scope === 'global', { path: ['scope'], message: IN_FILE })
  .superRefine((set, context) => {
    for (const field of FOR_THE_STORE)
      if (set.source === 'file' && set[field] !== undefined)
        context.addIssue({
          code: 'custom',
          path: [field],
          message: 'is for the store alone: the file holds names and values',
        });
  });
export const changeSecret = z
  .strictObject({
    ...whose,
    description: description.nullable().optional(),
    expires_at: expiresAt.nullable().optional(),
    ...demand,
  })
  .refine(isDemand, LEVEL_OF_NOTHING);
export const scopeQuery = z.strictObject(whoseQuery);
export const scopeBody = z.strictObject(whose);
export const yes = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');
export const removeQuery = z
  .strictObject({ ...whoseQuery, purge: yes, source })
  .refine((remove) => remove.source === 'store' || remove.scope === 'global', {
    path: ['scope'],
    message: IN_FILE,
  });
export const rollbackBody = z.strictObject({ ...whose, version: z.int().min(1).max(MAX_VERSION) });
export const historyQuery = z.strictObject({
  ...whoseQuery,
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export const restoreBody = z.strictObject({
  ...whose,
  /** The beginning of the names: a folder is `ml.` */
  prefix: z
    .string()
    .max(128)
    .regex(/^([A-Za-z_][A-Za-z0-9_.-]*)?$/, 'is not the beginning of a secret name'),
  at: z.iso.datetime({ offset: true }),
  dry_run: z.boolean().default(false),
});
export const listQuery = z.strictObject({
  ...whoseQuery,
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** The last name of the page before. */
  cursor: fields.secretName.optional(),
  /** The removed ones that can be had back, instead of those that are there. */
  removed: yes,
});

export const setAnswer = z.object({
  name: z.string(),
  ...told,
  /** Absent for the file, which keeps none. */
  version: z.int().optional(),
  created_at: z.iso.datetime(),
  /** The source that is asked before and has the name too: whoever asks gets its value instead. */
  hidden_by: z.enum(SOURCES).optional(),
});
export const clearAnswer = z.object({ cleared: z.array(z.enum(SOURCES)) });
export const secretAnswer = z.object({
  name: z.string(),
  ...told,
  version: z.int(),
  description: z.string().optional(),
  /** Where a job that asks for this name gets it from; absent while a source that is asked before fails. */
  source: z.enum(SOURCES).optional(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  expires_at: z.iso.datetime().optional(),
  /** A job gets it only once somebody has said yes to the job. */
  requires_approval: z.boolean(),
  /** The level that they have to reach. */
  approval_level: levelName.optional(),
  /** It was taken in an emergency: without a new value by then it is handed to nobody. */
  must_rotate_by: z.iso.datetime().optional(),
  /** There for a removed one. */
  removed_at: z.iso.datetime().optional(),
  /** `aging` and `expiring` come two weeks before `stale` (older than 90 days) and `expired`. */
  freshness: z.enum(FRESHNESS),
});
export const listAnswer = z.object({
  secrets: z.array(secretAnswer),
  total: z.int(),
  next_cursor: z.string().optional(),
});
export const explainAnswer = z.object({
  name: z.string(),
  /** Null when no source has it, and when one fails that is asked before. */
  found_in: z.object({ source: z.enum(SOURCES), ...told }).nullable(),
  sources: z.array(
    z.object({
      source: z.enum(SOURCES),
      ...told,
      /** False when it was not asked; `note` says why. */
      asked: z.boolean(),
      has: z.boolean(),
      version: z.int().optional(),
      /** Where the source names versions instead of counting them. */
      version_id: z.string().optional(),
      note: z.string().optional(),
      /** How long ago the source said so; absent where nothing is remembered. */
      cache_age_seconds: z.number().optional(),
      /** What is remembered is older than it should be. */
      stale: z.boolean().optional(),
      /** Why the source did not answer: who needs the name now gets an error, not what a later source has. */
      error: z.string().optional(),
    }),
  ),
});

export const versionsAnswer = z.object({
  name: z.string(),
  current_version: z.int(),
  versions: z.array(
    z.object({
      version: z.int(),
      created_at: z.iso.datetime(),
      /** The user who set it; not there when another service did. */
      created_by: z.int().optional(),
      /** Whether its value is that of the current version. */
      is_same_as_current: z.boolean(),
      is_template: z.boolean(),
    }),
  ),
});
export const historyAnswer = z.object({
  name: z.string(),
  changes: z.array(
    z.object({
      at: z.iso.datetime(),
      kind: z.enum(['set', 'removed', 'undeleted', 'renamed']),
      version: z.int(),
      /** The older version whose value this is. */
      of_version: z.int().optional(),
      by_user_id: z.int().optional(),
    }),
  ),
});
export const undeleteAnswer = z.object({
  name: z.string(),
  ...told,
  version: z.int(),
});
export const restoreAnswer = z.object({
  dry_run: z.boolean(),
  changes: z.array(
    z.object({
      name: z.string(),
      /** `lost`: the value of then is not kept any more, and nothing can be restored with it. */
      step: z.enum(['set', 'remove', 'lost']),
      version: z.int().optional(),
    }),
  ),
});
