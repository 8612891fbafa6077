import { createHash } from 'node:crypto';
import type { CredentialFormat } from '@lineclear/credentials';

const MAX_NAME_CHARACTERS = 128;
/** Formats whose variables are another's: AWS's own are those of its keys. */
const WITHOUT_VARIABLES: ReadonlySet<string> = new Set(['s3-compatible']);

/** The names under which a credential's fields are kept. */
export type SecretNames = Readonly<Record<string, string>>;

/**
 * A field is kept under the name of the variable that tools read it from, so that a job that names it in `secrets` gets it as
 * they expect: HF_TOKEN. What has no variable, and every profile but the usual one, is `<format>.<profile>.<field>`.
 */
export function secretNames(format: CredentialFormat, profile: string | undefined): SecretNames {
  const isUsual = profile === undefined || profile === format.profiles[0];
  return Object.fromEntries(
    format.fields.map(({ name, variables: [variable] }) => {
      if (isUsual && variable !== undefined && !WITHOUT_VARIABLES.has(format.name)) return [name, variable];
      const middle = isUsual ? '' : `${asName(profile)}.`;
      return [name, `${format.name}.${middle}${name}`];
    }),
  );
}

/** A profile as part of a name. Two that look alike as a name must not meet in one, so that the odd ones carry a digest. */
function asName(profile: string): string {
  const plain = profile.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, MAX_NAME_CHARACTERS / 2);
  if (plain === profile) return plain;
  return `${plain}-${createHash('sha256').update(profile).digest('hex').slice(0, 8)}`;
}

/** How much of a credential is in the store: what is there in part must not be completed with another's fields. */
export function standingInStore(
  format: CredentialFormat,
  names: SecretNames,
  stored: ReadonlySet<string>,
): 'there' | 'in part' | 'absent' {
  const isThere = (field: string): boolean => stored.has(names[field] ?? '');
  if (format.fields.filter(({ required }) => required).every(({ name }) => isThere(name))) return 'there';
  return format.fields.some(({ name }) => isThere(name)) ? 'in part' : 'absent';
}
