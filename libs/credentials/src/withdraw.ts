import { removeEmptyFolders, removeFile, replaceFile, resolveInside } from './files.js';
import { readIfThere, type Machine } from './machine.js';
import type { Manifest, PlacedEntry, PlacedFile } from './manifest.js';
import { hidden, standingOf, withEntries } from './placed-file.js';
import { sha256 } from './values.js';

/** A credential that was placed: which, and where it is. */
export interface PlacedCredential {
  readonly format: string;
  readonly profile: string;
  readonly paths: readonly string[];
}

/** `restored`: as it was. `changed since`: ours is out, what others wrote stays. `not ours`: another value is there by now, left alone. `gone`: there is no such file. */
export type WithdrawOutcome = 'restored' | 'changed since' | 'not ours' | 'gone';

export interface Withdrawn {
  readonly files: readonly { readonly path: string; readonly outcome: WithdrawOutcome }[];
  readonly manifest: Manifest;
}

/** What there is to withdraw. */
export function placedCredentials({ files }: Manifest): PlacedCredential[] {
  const found = new Map<string, { format: string; profile: string; paths: string[] }>();
  for (const { path, entries } of files) {
    for (const { format, profile } of entries) {
      const key = JSON.stringify([format, profile]);
      const credential = found.get(key) ?? { format, profile, paths: [] };
      credential.paths.push(path);
      found.set(key, credential);
    }
  }
  return [...found.values()];
}

/**
 * Takes a credential out of its files: they are, byte for byte and with their mode, what they would be had it never been
 * placed. In any order; safe to repeat. @throws UnusableFile for a file that cannot be read or written safely.
 */
export async function withdraw(
  which: Pick<PlacedCredential, 'format' | 'profile'>,
  machine: Machine,
  manifest: Manifest,
): Promise<Withdrawn> {
  const isMeant = (entry: PlacedEntry): boolean =>
    entry.format === which.format && entry.profile === which.profile;
  const files: { path: string; outcome: WithdrawOutcome }[] = [];
  const left: PlacedFile[] = [];
  for (const placed of manifest.files) {
    if (!placed.entries.some(isMeant)) {
      left.push(placed);
      continue;
    }
    const result = await takeFrom(placed, machine, isMeant);
    files.push({ path: placed.path, outcome: result.outcome });
    if (result.left) left.push(result.left);
  }
  return { files, manifest: { files: left } };
}

async function takeFrom(
  placed: PlacedFile,
  machine: Machine,
  isMeant: (entry: PlacedEntry) => boolean,
): Promise<{ outcome: WithdrawOutcome; left: PlacedFile | undefined }> {
  const path = await resolveInside(machine.home, placed.path);
  const state = await readIfThere(path);
  const { base, live, changed } = standingOf(path, placed, state);
  const entries = placed.entries.filter((entry) => !isMeant(entry));
  const kept = live.filter(({ entry }) => !isMeant(entry));
  const isOurs = kept.length < live.length;
  const text = withEntries(
    path,
    base,
    kept.map((one) => ({ ...one, profile: one.entry.profile })),
  );
  let content = state?.content;
  if (state && isOurs) {
    content = text === undefined ? undefined : Buffer.from(text);
    // Where another of ours stays, so does the mode that keeps it from others.
    if (content)
      await replaceFile(path, content, kept.length > 0 || !base ? state.mode : base.mode, state.content);
    else await removeFile(path, state.content);
  }
  if (!content && entries.length === 0) await removeEmptyFolders(placed.folders);
  return {
    outcome: state ? (isOurs ? (changed ? 'changed since' : 'restored') : 'not ours') : 'gone',
    left:
      entries.length === 0
        ? undefined
        : { ...placed, sha256: content ? sha256(content) : placed.sha256, base: hidden(base), entries },
  };
}
