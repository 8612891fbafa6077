import { z } from 'zod';
import { vaultPath } from '../vault/vault-env.js';
import { scopeBody } from './secret-schemas.js';

const MAX_IMPORTED = 1_000;
const MAX_CONTENT_CHARACTERS = 1_000_000;
const IMPORT_FORMATS = ['dotenv', 'simpletuner', 'json', 'yaml', 'runhouse', 'kubetorch', 'vault'] as const;

const theirTime = z.string().max(40).nullish();
/** A row of SimpleTuner's table as it is exported; what else it has is passed over. */
const row = z.object({
  user_id: z.int(),
  provider: z.string().min(1).max(60),
  credential_name: z.string().min(1).max(60),
  credential_value: z.string().max(200_000),
  created_at: theirTime,
  updated_at: theirTime,
});

export const importBody = z
  .strictObject({
    format: z.enum(IMPORT_FORMATS),
    /** The text of the file. */
    content: z.string().max(MAX_CONTENT_CHARACTERS).optional(),
    rows: z.array(row).min(1).max(MAX_IMPORTED).optional(),
    /** Of the house's Vault: what lies there and below, from the mount on; all of the mount without one. */
    path: vaultPath.or(z.literal('')).optional(),
    /** Only rows of this user, by SimpleTuner's number. */
    from_user_id: z.int().optional(),
    /** SimpleTuner's secret, exactly as it is in SIMPLETUNER_CREDENTIAL_KEY or its file. */
    credential_key: z.string().min(1).max(1_000).optional(),
    ...scopeBody.shape,
    /** Only tell what would be done. */
    dry_run: z.boolean().default(false),
    /** Set those anew that are there with another value. */
    overwrite: z.boolean().default(false),
  })
  .superRefine((body, context) => {
    const fault = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (body.format === 'vault') {
      for (const field of ['content', 'rows', 'from_user_id', 'credential_key'] as const)
        if (body[field] !== undefined) fault(field, 'is not for format vault');
      return;
    }
    if (body.path !== undefined) fault('path', 'is for format vault');
    if (body.rows === undefined) {
      if (body.content === undefined) fault('content', 'is needed');
      for (const field of ['from_user_id', 'credential_key'] as const)
        if (body[field] !== undefined) fault(field, 'is for rows');
    } else {
      if (body.format !== 'simpletuner') fault('rows', 'is for format simpletuner');
      if (body.content !== undefined) fault('rows', 'comes instead of content');
    }
  });

export const importAnswer = z.object({
  dry_run: z.boolean(),
  entries: z.array(
    z.object({
      name: z.string().max(200),
      /** What it is called where it comes from, where that is no name here. */
      key: z.string().max(200).optional(),
      outcome: z.enum(['set', 'unchanged', 'kept', 'refused']),
      version: z.int().optional(),
      why: z.string().max(300).optional(),
      warnings: z.array(z.string().max(300)).optional(),
    }),
  ),
});
