import { BadCredential } from './errors.js';
import { atPath } from './find.js';
import type { CredentialFile, Values } from './format.js';
import { formatNamed } from './formats.js';
import { Hidden } from './hidden.js';
import { textOf, type FileState } from './machine.js';
import type { PlacedEntry, PlacedFile } from './manifest.js';
import { takeOut } from './take-out.js';
import { digestOf, sha256 } from './values.js';

/** One of our entries that is still in its file. */
export interface LiveEntry {
  readonly entry: PlacedEntry;
  readonly file: CredentialFile;
  readonly values: Values;
}

/** How a file stands: what it would be without us, and which of our entries are in it. */
export interface Standing {
  readonly base: FileState | null;
  readonly live: readonly LiveEntry[];
  /** Whether others wrote to it after us. */
  readonly changed: boolean;
}

export const isSameEntry = (
  a: Pick<PlacedEntry, 'format' | 'file' | 'profile'>,
  b: Pick<PlacedEntry, 'format' | 'file' | 'profile'>,
): boolean => a.format === b.format && a.file === b.file && a.profile === b.profile;

/**
 * Compares a file with what the manifest says of it. Where nobody else wrote to it, what it was before us is known byte for
 * byte; where someone did, it is what is left when our entries are taken out of it. @throws UnusableFile
 */
export function standingOf(
  path: string,
  placed: PlacedFile | undefined,
  state: FileState | undefined,
): Standing {
  if (!placed || !state) return { base: state ?? null, live: [], changed: placed !== undefined };
  const current = textOf(path, state.content);
  const live = placed.entries.flatMap((entry): LiveEntry[] => {
    const file = fileOf(entry);
    const values = atPath(path, () => file.family.read(current, entry.profile));
    return values && digestOf(values) === entry.valuesSha256 ? [{ entry, file, values }] : [];
  });
  const known = placed.base && { content: placed.base.content.reveal(), mode: placed.base.mode };
  if (sha256(state.content) === placed.sha256) return { base: known, live, changed: false };
  const before = known ? textOf(path, known.content) : undefined;
  const rest = live.reduceRight<string | undefined>(
    (text, { file, entry }) =>
      text === undefined ? text : atPath(path, () => takeOut(text, file.family, entry.profile, before)),
    current,
  );
  if (rest === undefined && !known) return { base: null, live, changed: true };
  const content = Buffer.from(rest ?? '');
  return { base: { content, mode: known?.mode ?? state.mode }, live, changed: true };
}

/** The text of a file with these entries put into what it is without us; undefined when there is nothing to put in and was no file. */
export function withEntries(
  path: string,
  base: FileState | null,
  entries: readonly { readonly file: CredentialFile; readonly values: Values; readonly profile: string }[],
): string | undefined {
  return entries.reduce<string | undefined>(
    (text, { file, values, profile }) => atPath(path, () => file.family.write(text, values, profile)),
    base ? textOf(path, base.content) : undefined,
  );
}

export const hidden = (base: FileState | null): PlacedFile['base'] =>
  base && { content: new Hidden(base.content), mode: base.mode };

function fileOf({ format, file: path }: PlacedEntry): CredentialFile {
  const file = formatNamed(format)?.files.find((one) => one.path === path);
  if (!file) throw new BadCredential('format', `${format} has no file ${path}: a later version placed it`);
  return file;
}
