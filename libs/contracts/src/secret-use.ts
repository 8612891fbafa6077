import { z } from 'zod';
import { secretName } from './fields.js';
import { variableName } from './job-configs/local.js';

const FILE = /^(?:~\/\.)?[A-Za-z0-9_@][A-Za-z0-9_.@-]*(?:\/[A-Za-z0-9_@.-]+)*$/;
const secretFile = z
  .string()
  .max(200)
  .refine(
    (path) => FILE.test(path) && !path.split('/').some((part) => part === '.' || part === '..'),
    'is neither a path such as key.pem, in /secrets/<name>/, nor one such as ~/.ssh/id_ed25519',
  );

/**
 * How a job gets one of its secrets. In a variable: `env`, or one of the secret's name. With `file` in a file that its owner alone
 * reads, in `/secrets/<name>/` or, below `~/.`, where a tool looks for it; `env` then holds where that is.
 */
export const secretUse = z.strictObject({
  name: secretName,
  env: variableName.optional(),
  file: secretFile.optional(),
});
export type SecretUse = z.infer<typeof secretUse>;

/** As a submit says it: a name alone is a variable of this name. */
export const secretEntry = z.union([secretName, secretUse]);
export type SecretEntry = z.infer<typeof secretEntry>;

export const secretUseOf = (entry: SecretEntry): SecretUse =>
  typeof entry === 'string' ? { name: entry } : entry;

/** The names, each once. */
export const namesOfSecrets = (entries: readonly SecretEntry[]): string[] => [
  ...new Set(entries.map((entry) => secretUseOf(entry).name)),
];

/** The variable that a use sets; none for a file that is found without one. */
export const variableOfUse = ({ name, env, file }: SecretUse): string | undefined =>
  env ?? (file === undefined ? name : undefined);

/** Where a file is, as its job sees it. */
export const pathOfUse = (name: string, file: string): string =>
  file.startsWith('~/') ? file : `/secrets/${name}/${file}`;

/** Whether the template by which runs of an HTTP provider are submitted has a place for files. */
export const sendsFiles = (submit: { readonly body?: unknown } | undefined): boolean =>
  JSON.stringify(submit?.body ?? null).includes('{files}');
