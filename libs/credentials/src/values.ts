import { createHash } from 'node:crypto';
import { registryName } from './docker-config.js';
import { BadCredential } from './errors.js';
import type { CredentialFormat, Field, Values } from './format.js';

const MAX_LINE_BYTES = 16_384;
const MAX_TEXT_BYTES = 262_144;
const CONTROL = /\p{Cc}/u;

/**
 * The values as they are kept: a private key ends with a newline, which ssh insists on. @throws BadCredential, naming the
 * field, where one is missing, unknown, or cannot be written to a file or a variable as it is.
 */
export function checkValues(format: CredentialFormat, values: Values): Values {
  const known = new Map(format.fields.map((field) => [field.name, field]));
  const unknown = Object.keys(values).find((name) => !known.has(name));
  if (unknown !== undefined) throw new BadCredential(unknown.slice(0, 100), `is no field of ${format.name}`);
  const missing = missingField(format, values);
  if (missing !== undefined) throw new BadCredential(missing, 'is missing');
  const checked: Record<string, string> = {};
  for (const [name, field] of known) {
    const value = values[name];
    if (value !== undefined) checked[name] = checkValue(field, value);
  }
  return checked;
}

/** The first required field that is not there. */
export const missingField = (format: CredentialFormat, values: Values): string | undefined =>
  format.fields.find(({ name, required }) => required && values[name] === undefined)?.name;

/** Fields whose values do not look as the provider's do today: a typing error, perhaps, or a new kind of key. */
export const oddFields = (format: CredentialFormat, values: Values): string[] =>
  format.fields
    .filter(
      ({ name, shape }) => shape !== undefined && values[name] !== undefined && !shape.test(values[name]),
    )
    .map(({ name }) => name);

/** The profile's name, checked for this format. @throws BadCredential */
export function checkProfile(format: CredentialFormat, profile: string): string {
  if (!format.profileShape.test(profile) || profile.includes('..') || CONTROL.test(profile))
    throw new BadCredential('profile', `is no name of an entry of ${format.name}`);
  return profile;
}

export const pick = (values: Values, fields: readonly string[]): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => fields.includes(name)));

/** Whether two sets of values are the same, told without keeping them. */
export const digestOf = (values: Values): string =>
  sha256(JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))));

export const sha256 = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex');

function checkValue({ name, kind }: Field, value: string): string {
  if (value === '' || value.trim() === '') throw new BadCredential(name, 'is empty');
  if (!value.isWellFormed()) throw new BadCredential(name, 'is no well-formed text');
  if (value.includes('\0')) throw new BadCredential(name, 'has a NUL in it');
  const maxBytes = kind === 'line' ? MAX_LINE_BYTES : MAX_TEXT_BYTES;
  if (Buffer.byteLength(value) > maxBytes) throw new BadCredential(name, `is larger than ${maxBytes} bytes`);
  if (kind === 'text') return name === 'private_key' && !value.endsWith('\n') ? `${value}\n` : value;
  if (/[\r\n]/.test(value)) throw new BadCredential(name, 'has a newline in it');
  if (CONTROL.test(value)) throw new BadCredential(name, 'has a control character in it');
  if (value !== value.trim()) throw new BadCredential(name, 'has white space around it');
  if (name === 'username' && value.includes(':')) throw new BadCredential(name, 'has a colon in it');
  return name === 'server' ? registryName(value) : value;
}
