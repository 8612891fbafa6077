import type { CredentialFormat, Field } from './format.js';

/** A field that must be there and must not be seen. */
export const secretField = (name: string, variables: readonly string[], shape?: RegExp): Field => ({
  name,
  variables,
  secret: true,
  required: true,
  kind: 'line',
  ...(shape && { shape }),
});

export const optional = (field: Field): Field => ({ ...field, required: false });
export const shown = (field: Field): Field => ({ ...field, secret: false });
export const wholeText = (field: Field): Field => ({ ...field, kind: 'text' });

/** The mode of a file that holds a secret. */
export const OWNER_ONLY = 0o600;

/** What most formats share. */
export const BASE = {
  aliases: [],
  files: [],
  delivery: 'env',
  profiles: ['default'],
  profileShape: /^[A-Za-z0-9][\w.@+-]{0,99}$/,
} as const satisfies Partial<CredentialFormat>;
