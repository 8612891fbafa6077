import { join } from 'node:path';
import type { CredentialFormat, Values } from './format.js';
import { Hidden } from './hidden.js';
import { checkProfile, checkValues, pick } from './values.js';

/** What a job is given of a credential. */
export interface Delivered {
  readonly env: Hidden<Readonly<Record<string, string>>>;
  readonly files: readonly DeliveredFile[];
}

export interface DeliveredFile {
  /** Absolute, in the home folder of the job. */
  readonly path: string;
  readonly mode: number;
  readonly content: Hidden<string>;
}

/** The variables and files by which a job gets a credential, in a home folder that has none yet. @throws BadCredential */
export function deliver(
  format: CredentialFormat,
  given: Values,
  { home, profile: asked }: { readonly home: string; readonly profile?: string },
): Delivered {
  const values = checkValues(format, given);
  const name = asked ?? format.profileOf?.(values) ?? format.profiles[0] ?? '';
  const env: Record<string, string> = {};
  const files: DeliveredFile[] = [];
  if (format.delivery !== 'file') {
    for (const { name: field, variables } of format.fields) {
      const [variable] = variables;
      const value = values[field];
      if (variable !== undefined && value !== undefined) env[variable] = value;
    }
  }
  if (format.delivery === 'env') return { env: new Hidden(env), files };
  const profile = checkProfile(format, name);
  for (const { path, mode, family, announcedIn } of format.files) {
    const held = pick(values, family.fields);
    if (Object.keys(held).length === 0) continue;
    const absolute = join(home, path.replace('{profile}', profile));
    files.push({ path: absolute, mode, content: new Hidden(family.write(undefined, held, profile)) });
    if (announcedIn !== undefined) env[announcedIn] = absolute;
  }
  return { env: new Hidden(env), files };
}
