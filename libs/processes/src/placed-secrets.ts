import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { partsOf } from '@lineclear/redact';

/** A secret, and its name. */
export interface GivenSecret {
  readonly name: string;
  readonly value: { reveal(): string };
}

export interface GivenFile extends GivenSecret {
  /** `key.pem`, in the folder of the secret, or `~/.ssh/id_ed25519`. */
  readonly file: string;
  /** The variable that is to say where it is. */
  readonly variable: string | undefined;
}

/** The secrets that a run gets in environment variables, and those in files. */
interface Given {
  readonly secrets: ReadonlyMap<string, GivenSecret>;
  readonly files: readonly GivenFile[];
}

const OWNER_READS = 0o400;
const LIST = 'secret-files';

/** What stands for a secret in the list that the supervisor's cleaner is given: where its value is, and between which characters of it is what must not be seen. */
type Cleaned = { readonly name: string; readonly parts: readonly (readonly [number, number])[] } & (
  { readonly variable: string } | { readonly path: string }
);

interface PlacedSecrets {
  readonly env: Readonly<Record<string, string>>;
  readonly cleaned: readonly Cleaned[];
}

/** The folder of what is not in a home folder: for a run on this machine, what `/secrets` is in a container. */
const secretsDir = (folder: string): string => join(folder, 'secrets');

/** Puts a run's secrets where it finds them: its variables, and files in its folder, which is its home, for this user alone. */
export async function placeSecrets(folder: string, { secrets, files }: Given): Promise<PlacedSecrets> {
  const placed = files.map((file) => ({ ...file, path: pathOf(folder, file) }));
  if (placed.length > 0)
    await writeFile(join(folder, LIST), placed.map(({ path }) => `${path}\n`).join(''), { mode: 0o600 });
  for (const { path, value } of placed) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // What an earlier start of the same run left cannot be written over.
    await rm(path, { force: true });
    await writeFile(path, value.reveal(), { mode: OWNER_READS, flag: 'wx' });
  }
  return {
    env: {
      ...Object.fromEntries([...secrets].map(([variable, { value }]) => [variable, value.reveal()])),
      ...Object.fromEntries(placed.flatMap(({ variable, path }) => (variable ? [[variable, path]] : []))),
      ...(placed.length > 0 ? { LINECLEAR_SECRETS_DIR: secretsDir(folder) } : {}),
    },
    cleaned: [
      ...[...secrets].map(([variable, { name, value }]) => ({
        name,
        variable,
        parts: placesOf(value.reveal()),
      })),
      ...placed.map(({ name, path, value }) => ({ name, path, parts: placesOf(value.reveal()) })),
    ],
  };
}

const placesOf = (value: string): [number, number][] =>
  partsOf(value).map((part) => {
    const from = value.indexOf(part);
    return [from, from + part.length];
  });

/** Takes the files away again, when the run is over. */
export async function removeSecrets(folder: string): Promise<void> {
  const list = join(folder, LIST);
  let paths: string[];
  try {
    paths = (await readFile(list, 'utf8')).split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const path of paths) if (path.startsWith(join(folder, '/'))) await rm(path, { force: true });
  await rm(list, { force: true });
}

function pathOf(folder: string, { name, file }: GivenFile): string {
  return file.startsWith('~/') ? join(folder, file.slice('~/'.length)) : join(secretsDir(folder), name, file);
}
