import { UnusableFile, UnusableText } from './errors.js';
import { FORMATS } from './formats.js';
import type { CredentialFile, CredentialFormat, Values } from './format.js';
import { Hidden } from './hidden.js';
import { pathOf, profilesOf } from './location.js';
import type { Machine } from './machine.js';
import { missingField } from './values.js';

/** A credential that is on the machine, and where. */
export interface Found {
  readonly format: string;
  readonly from:
    | { readonly kind: 'file'; readonly paths: readonly string[]; readonly profile: string }
    | { readonly kind: 'env'; readonly variables: readonly string[] };
  readonly values: Hidden<Values>;
}

/**
 * The credential as it is on the machine now: in its files, else in its variables, where all that are required must be set.
 * A named profile is looked for in files alone. @throws UnusableFile, for what is there and cannot be understood is not absent.
 */
export async function findCredentials(
  format: CredentialFormat,
  machine: Machine,
  { profile }: { readonly profile?: string } = {},
): Promise<Found | undefined> {
  for (const name of await profilesOf(format, machine, profile)) {
    const found = await findInFiles(format, machine, name);
    if (found) return found;
  }
  return profile === undefined ? findInEnv(format, machine) : undefined;
}

/** A file that is there and could not be understood. */
export interface Problem {
  readonly format: string;
  readonly why: string;
}

/** Every credential on the machine, and every file that looks like one and cannot be read: the one does not hide the other. */
export async function discover(
  machine: Machine,
): Promise<{ readonly found: readonly Found[]; readonly problems: readonly Problem[] }> {
  const found: Found[] = [];
  const problems: Problem[] = [];
  for (const format of FORMATS) {
    try {
      const names = await profilesOf(format, machine);
      const inFiles = await Promise.all(names.map((name) => findInFiles(format, machine, name)));
      const there = inFiles.filter((one) => one !== undefined);
      const elsewhere = there.length === 0 ? findInEnv(format, machine) : undefined;
      found.push(...there, ...(elsewhere ? [elsewhere] : []));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      problems.push({ format: format.name, why: error.message });
    }
  }
  return { found, problems };
}

async function findInFiles(
  format: CredentialFormat,
  machine: Machine,
  profile: string,
): Promise<Found | undefined> {
  let values: Values = {};
  const paths: string[] = [];
  for (const file of format.files) {
    const path = pathOf(file, machine, profile);
    const text = await machine.readFile(path);
    const held = text === undefined ? undefined : readEntry(file, path, text, profile);
    if (!held) continue;
    values = { ...values, ...held };
    paths.push(path);
  }
  if (paths.length === 0 || missingField(format, values) !== undefined) return undefined;
  return { format: format.name, from: { kind: 'file', paths, profile }, values: new Hidden(values) };
}

function findInEnv(format: CredentialFormat, machine: Machine): Found | undefined {
  const values: Record<string, string> = {};
  const variables: string[] = [];
  for (const field of format.fields) {
    // An empty variable is how a shell unsets one for a single command.
    const variable = field.variables.find((name) => machine.env[name]);
    const value = variable && machine.env[variable];
    if (!variable || !value) continue;
    values[field.name] = value;
    variables.push(variable);
  }
  if (variables.length === 0 || missingField(format, values) !== undefined) return undefined;
  return { format: format.name, from: { kind: 'env', variables }, values: new Hidden(values) };
}

/** What a file has of a profile. @throws UnusableFile, with the path, where the text is not of the file's kind. */
export function readEntry(
  file: CredentialFile,
  path: string,
  text: string,
  profile: string,
): Values | undefined {
  return atPath(path, () => file.family.read(text, profile));
}

/** Runs what works on a file's text; what is wrong with the text is told with the file's path. @throws UnusableFile */
export function atPath<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof UnusableText ? new UnusableFile(path, error.message) : error;
  }
}
