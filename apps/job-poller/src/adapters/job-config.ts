import type { z } from 'zod';
import { ProviderFailure, type Submission } from './adapter.js';

/** A job's config, as its provider takes it. @throws ProviderFailure `refused` that names the field */
export function configOf<T extends z.ZodType>(schema: T, { config }: Pick<Submission, 'config'>): z.infer<T> {
  const parsed = schema.safeParse(config);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ProviderFailure(
    'refused',
    `${['config', ...(issue?.path ?? [])].map(String).join('.')}: ${issue?.message}`,
  );
}
