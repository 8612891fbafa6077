import { lstat } from 'node:fs/promises';
import { z } from 'zod';
import { UnusableFile } from './errors.js';
import { makeFolders, replaceFile } from './files.js';
import { Hidden } from './hidden.js';
import { codeOf, readIfThere } from './machine.js';

const OTHERS = 0o077;
const MAX_MANIFEST_BYTES = 67_108_864;

const mode = z.number().int().min(0).max(0o7777);
const path = z.string().min(1).max(4_096);
const digest = z.string().regex(/^[0-9a-f]{64}$/);

const fileOnDisk = z.strictObject({
  path,
  sha256: digest,
  folders: z.array(path).max(100),
  base: z.strictObject({ content_base64: z.base64().max(1_500_000), mode }).nullable(),
  entries: z
    .array(
      z.strictObject({
        format: z.string().min(1).max(100),
        file: path,
        profile: z.string().max(255),
        values_sha256: digest,
      }),
    )
    .min(1)
    .max(1_000),
});
const manifestOnDisk = z.strictObject({ version: z.literal(1), files: z.array(fileOnDisk).max(1_000) });

/** A credential that we put into a file. */
export interface PlacedEntry {
  readonly format: string;
  /** The file's path in the table of formats. */
  readonly file: string;
  readonly profile: string;
  /** Of the values: when they are others by now, the entry is no longer ours. */
  readonly valuesSha256: string;
}

/** A file that we wrote to: what it is now, what it would be without us, and what of it is ours, in the order it was placed. */
export interface PlacedFile {
  readonly path: string;
  /** Of what we wrote last. */
  readonly sha256: string;
  /** Those that we made, the innermost first. */
  readonly folders: readonly string[];
  /** The file without any of ours; null where there was none. */
  readonly base: { readonly content: Hidden<Buffer>; readonly mode: number } | null;
  readonly entries: readonly PlacedEntry[];
}

/** Everything that was placed on a machine and not yet withdrawn. */
export interface Manifest {
  readonly files: readonly PlacedFile[];
}

export const EMPTY_MANIFEST: Manifest = { files: [] };

/**
 * The manifest in a file; an empty one where there is none. It holds what other files held, so it is a secret itself.
 * @throws UnusableFile when others could read or have written it, or it is no manifest.
 */
export async function readManifest(file: string, me = process.getuid?.()): Promise<Manifest> {
  try {
    const stat = await lstat(file);
    if (stat.isSymbolicLink()) throw new UnusableFile(file, 'is a link');
    if (stat.uid !== me && stat.uid !== 0) throw new UnusableFile(file, 'belongs to another user');
    if ((stat.mode & OTHERS) !== 0) throw new UnusableFile(file, 'is open to others: chmod 600 it');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return EMPTY_MANIFEST;
    throw error instanceof UnusableFile ? error : new UnusableFile(file, `cannot be read (${codeOf(error)})`);
  }
  const state = await readIfThere(file, MAX_MANIFEST_BYTES);
  if (!state) return EMPTY_MANIFEST;
  const parsed = manifestOnDisk.safeParse(parseJson(state.content.toString('utf8')));
  if (!parsed.success) throw new UnusableFile(file, 'is no manifest of placed credentials');
  return { files: parsed.data.files.map(fromDisk) };
}

/** Keeps a manifest, readable by the owner alone; it is replaced at once or not at all. @throws UnusableFile */
export async function writeManifest(file: string, { files }: Manifest): Promise<void> {
  const content = `${JSON.stringify({ version: 1, files: files.map(toDisk) }, undefined, 2)}\n`;
  await makeFolders(file);
  await replaceFile(file, Buffer.from(content), 0o600);
}

const fromDisk = ({ base, entries, ...file }: z.infer<typeof fileOnDisk>): PlacedFile => ({
  ...file,
  base: base && { content: new Hidden(Buffer.from(base.content_base64, 'base64')), mode: base.mode },
  entries: entries.map(({ values_sha256, ...entry }) => ({ ...entry, valuesSha256: values_sha256 })),
});

const toDisk = ({ path: at, sha256, folders, base, entries }: PlacedFile): z.input<typeof fileOnDisk> => ({
  path: at,
  sha256,
  folders: [...folders],
  base: base && { content_base64: base.content.reveal().toString('base64'), mode: base.mode },
  entries: entries.map(({ valuesSha256, ...entry }) => ({ ...entry, values_sha256: valuesSha256 })),
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
