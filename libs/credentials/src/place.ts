import { BadCredential, UnusableFile } from './errors.js';
import { makeFolders, removeEmptyFolders, removeFile, replaceFile, resolveInside } from './files.js';
import { atPath } from './find.js';
import type { CredentialFile, CredentialFormat, Values } from './format.js';
import { pathOf, profileToWrite } from './location.js';
import { readIfThere, textOf, type FileState, type Machine } from './machine.js';
import type { Manifest, PlacedEntry, PlacedFile } from './manifest.js';
import { hidden, isSameEntry, standingOf, withEntries, type Standing } from './placed-file.js';
import { checkValues, digestOf, pick, sha256 } from './values.js';

export interface PlaceOptions {
  readonly manifest: Manifest;
  /** Whether an entry that is not ours and differs is replaced. What it was is in the manifest, and comes back. */
  readonly overwrite?: boolean;
  readonly profile?: string;
  /** Keeps the manifest. Called before the first file changes, so that a crash leaves nothing that cannot be undone. */
  readonly record?: (manifest: Manifest) => Promise<void>;
}

export interface Placed {
  /** `kept`: an entry that differs is there, and nothing was written to any file. */
  readonly outcome: 'written' | 'unchanged' | 'kept';
  readonly profile: string;
  readonly files: readonly { readonly path: string; readonly outcome: Placed['outcome'] }[];
  readonly manifest: Manifest;
}

/** What is to be done to one file. */
interface Plan {
  readonly path: string;
  readonly outcome: Placed['outcome'];
  readonly file: CredentialFile;
  readonly state: FileState | undefined;
  readonly standing: Standing;
  readonly content: Buffer;
  readonly entry: PlacedEntry;
}

/**
 * Puts a credential into the files that its tools read, and answers with the manifest that takes it out again. All of its
 * files are written or none. @throws BadCredential for the values, UnusableFile for a file that cannot be read or written safely.
 */
export async function place(
  format: CredentialFormat,
  given: Values,
  machine: Machine,
  options: PlaceOptions,
): Promise<Placed> {
  const values = checkValues(format, given);
  if (format.files.length === 0)
    throw new BadCredential(format.name, 'has no file: it is read from variables alone');
  const profile = await profileToWrite(format, values, machine, options.profile);
  const plans: Plan[] = [];
  for (const file of format.files) {
    const held = pick(values, file.family.fields);
    if (Object.keys(held).length > 0)
      plans.push(await planFor(format, file, held, machine, profile, options));
  }
  const outcome = overall(plans);
  const files = plans.map((plan) => ({
    path: plan.path,
    outcome: outcome === 'kept' && plan.outcome === 'written' ? 'kept' : plan.outcome,
  }));
  if (outcome !== 'written') return { outcome, profile, files, manifest: options.manifest };
  const manifest = await carryOut(
    plans.filter((plan) => plan.outcome === 'written'),
    options,
  );
  return { outcome, profile, files, manifest };
}

async function planFor(
  format: CredentialFormat,
  file: CredentialFile,
  held: Values,
  machine: Machine,
  profile: string,
  { manifest, overwrite = false }: PlaceOptions,
): Promise<Plan> {
  const path = await resolveInside(machine.home, pathOf(file, machine, profile));
  const state = await readIfThere(path);
  const placed = manifest.files.find((one) => one.path === path);
  const standing = standingOf(path, placed, state);
  const key = { format: format.name, file: file.path, profile };
  const mine = standing.live.find((one) => isSameEntry(one.entry, key));
  const others = standing.live.filter((one) => one !== mine);
  const text = withEntries(path, standing.base, [
    ...others.map((one) => ({ ...one, profile: one.entry.profile })),
    { file, values: held, profile },
  ]);
  const written = text === undefined ? undefined : atPath(path, () => file.family.read(text, profile));
  if (text === undefined || !written) throw new UnusableFile(path, 'would not be read as it was written');
  const existing = state && atPath(path, () => file.family.read(textOf(path, state.content), profile));
  const isSame = existing !== undefined && digestOf(existing) === digestOf(written);
  const isTheirs = existing !== undefined && !mine;
  return {
    path,
    outcome: isSame ? 'unchanged' : isTheirs && !overwrite ? 'kept' : 'written',
    file,
    state,
    standing,
    content: Buffer.from(text),
    entry: { ...key, valuesSha256: digestOf(written) },
  };
}

function overall(plans: readonly Plan[]): Placed['outcome'] {
  if (plans.some(({ outcome }) => outcome === 'kept')) return 'kept';
  return plans.every(({ outcome }) => outcome === 'unchanged') ? 'unchanged' : 'written';
}

async function carryOut(
  plans: readonly Plan[],
  { manifest: earlier, record }: PlaceOptions,
): Promise<Manifest> {
  const made: string[] = [];
  const done: Plan[] = [];
  try {
    for (const { path } of plans) made.unshift(...(await makeFolders(path)));
    const manifest = plans.reduce((all, plan) => withFile(all, plan, made), earlier);
    await record?.(manifest);
    for (const plan of plans) {
      const { path, content, state, file } = plan;
      await replaceFile(path, content, (state?.mode ?? file.mode) & file.mode, state?.content ?? null);
      done.push(plan);
    }
    return manifest;
  } catch (error) {
    for (const { path, content, state } of done.reverse())
      await (state ? replaceFile(path, state.content, state.mode, content) : removeFile(path, content));
    await removeEmptyFolders(made);
    await record?.(earlier);
    throw error;
  }
}

function withFile(manifest: Manifest, plan: Plan, made: readonly string[]): Manifest {
  const { path, content, standing, entry } = plan;
  const others = manifest.files.filter((one) => one.path !== path);
  const inherited = manifest.files.flatMap(({ folders }) => folders);
  const live = standing.live.map((one) => one.entry).filter((one) => !isSameEntry(one, entry));
  const placed: PlacedFile = {
    path,
    sha256: sha256(content),
    // Whichever of the files in a folder goes last takes it along.
    folders: [...new Set([...made, ...inherited])]
      .filter((folder) => path.startsWith(`${folder}/`))
      .sort((a, b) => b.length - a.length),
    base: hidden(standing.base),
    entries: [...live, entry],
  };
  return { files: [...others, placed] };
}
