import type { CredentialFormat } from '@lineclear/credentials';
import { secretNames } from './secret-names.js';

/** An entry of `secrets` in a submit: a name, or how the job gets it. */
export type JobSecret = string | { readonly name: string; readonly env?: string; readonly file?: string };

export interface JobSecrets {
  readonly entries: readonly JobSecret[];
  /** Fields that a job cannot be given, as they are only a part of a file. */
  readonly left: readonly string[];
}

/**
 * How a job gets a credential that is kept field by field: what is a file of its own where its tools look for it, the rest in the
 * variables that they read. Of its fields those that are stored.
 */
export function jobSecrets(
  format: CredentialFormat,
  profile: string | undefined,
  stored: ReadonlySet<string>,
): JobSecrets {
  const names = secretNames(format, profile);
  const entries: JobSecret[] = [];
  const left: string[] = [];
  for (const { name: field, variables } of format.fields) {
    const name = names[field] ?? '';
    if (!stored.has(name)) continue;
    const [variable] = variables;
    const file = format.files.find(({ family }) => family.whole && family.fields.includes(field));
    if (variable !== undefined && format.delivery !== 'file')
      entries.push(variable === name ? name : { name, env: variable });
    else if (file) {
      const path = `~/${file.path.replace('{profile}', profile ?? format.profiles[0] ?? '')}`;
      entries.push({ name, file: path, ...(file.announcedIn && { env: file.announcedIn }) });
    } else left.push(field);
  }
  return { entries, left };
}
