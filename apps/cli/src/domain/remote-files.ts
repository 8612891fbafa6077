import { Hidden } from '@lineclear/credentials';

/** A file below a home folder. */
export interface RemoteFile {
  readonly path: string;
  /** Its permission bits. */
  readonly mode: number;
  readonly content: Hidden<Buffer>;
}

const MAX_FILE_BYTES = 1_048_576;
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The folders that lead to these paths, outermost first. */
const foldersOf = (paths: readonly string[]): string[] => [
  ...new Set(
    paths.flatMap((path) => {
      const parts = path.split('/').slice(0, -1);
      return parts.map((_, n) => parts.slice(0, n + 1).join('/'));
    }),
  ),
];

/** A script (sh, POSIX, with base64) that tells which of these are there, below the home folder, and what they hold. */
export function fetchScript(paths: readonly string[]): string {
  return `set -eu
cd
for f in ${foldersOf(paths).map(quoted).join(' ')}; do
  if [ -d "$f" ]; then printf 'folder %s\\n' "$(printf %s "$f" | base64 | tr -d '\\n')"; fi
done
for f in ${paths.map(quoted).join(' ')}; do
  if [ -h "$f" ]; then echo "$f is a link: it is left alone" >&2; exit 3; fi
  if [ -f "$f" ]; then
    if [ "$(wc -c < "$f")" -gt ${MAX_FILE_BYTES} ]; then echo "$f is too large" >&2; exit 3; fi
    printf 'file %s %s ' "$(printf %s "$f" | base64 | tr -d '\\n')" "$(stat -c %a "$f" 2>/dev/null || stat -f %Lp "$f")"
    base64 < "$f" | tr -d '\\n'
    echo
  fi
done
`;
}

/** What such a script said of these paths; whatever else a host says is passed over. */
export function copiesOf(
  said: string,
  paths: readonly string[],
): { readonly folders: string[]; readonly files: RemoteFile[] } {
  const folders: string[] = [];
  const files: RemoteFile[] = [];
  for (const line of said.split('\n')) {
    const [kind, name = '', mode = '', content = ''] = line.split(' ');
    const path = Buffer.from(name, 'base64').toString('utf8');
    if (kind === 'folder' && foldersOf(paths).includes(path)) folders.push(path);
    if (kind === 'file' && paths.includes(path))
      files.push({
        path,
        mode: Number.parseInt(mode, 8),
        content: new Hidden(Buffer.from(content, 'base64')),
      });
  }
  return { folders, files };
}

/** A script that makes files what they are to be, each at once, and takes folders away that are empty then; undefined when nothing is to be done. */
export function pushScript(
  before: readonly RemoteFile[],
  after: readonly RemoteFile[],
  goneFolders: readonly string[],
): string | undefined {
  const isSame = (one: RemoteFile, other: RemoteFile | undefined): boolean =>
    other?.mode === one.mode && other.content.reveal().equals(one.content.reveal());
  const at = (files: readonly RemoteFile[], path: string): RemoteFile | undefined =>
    files.find((file) => file.path === path);
  const writes = after.filter((file) => !isSame(file, at(before, file.path))).map(writeOf);
  const removals = before.filter(({ path }) => !at(after, path)).map(({ path }) => `rm -f ${quoted(path)}`);
  const folders = [...goneFolders].reverse().map((folder) => `rmdir ${quoted(folder)} 2>/dev/null || :`);
  const steps = [...writes, ...removals, ...folders];
  return steps.length === 0 ? undefined : ['set -eu', 'cd', 'umask 077', ...steps, ''].join('\n');
}

function writeOf({ path, mode, content }: RemoteFile): string {
  const [folder] = foldersOf([path]).slice(-1);
  const beside = `${folder === undefined ? '' : `${folder}/`}.lineclear.XXXXXX`;
  return `${folder === undefined ? '' : `mkdir -p ${quoted(folder)}\n`}t=$(mktemp ${quoted(beside)})
base64 -d > "$t" <<'END'
${content.reveal().toString('base64')}
END
chmod ${mode.toString(8)} "$t"
mv -f "$t" ${quoted(path)}`;
}
