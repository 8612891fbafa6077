import { spawn } from 'node:child_process';
import { chmod, mkdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Hidden, machineAt, type Machine } from '@lineclear/credentials';
import { CliError, wrongUsage } from './domain/cli-error.js';
import { copiesOf, fetchScript, pushScript, type RemoteFile } from './domain/remote-files.js';
import { codeOf } from './own-files.js';
import { withManifest, type OpenManifest } from './placed-lock.js';
import { machineOf, ownFolderOf, type World } from './world.js';

const HOST = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}$/;
const MAX_ANSWER_BYTES = 67_108_864;

/** Which home folder is meant: this machine's own or another one, or that of a host that `ssh` reaches. */
export const HOME_OPTIONS = { home: { type: 'string' }, ssh: { type: 'string' } } as const;
export const HOME_USAGE = '[--home DIR | --ssh [USER@]HOST]';
interface WhichHome {
  readonly home?: string | undefined;
  readonly ssh?: string | undefined;
}

/** Where credentials are placed. */
export interface Place {
  readonly machine: Machine;
  /** A path as people are told it: on a host, as it is there and not where its copy is. */
  readonly shown: (path: string) => string;
}

/** Works with the manifest of what is placed on a machine, and its files, while nobody else of here does. @throws CliError, UnusableFile */
export async function withPlaces<T>(
  world: World,
  { home, ssh: host }: WhichHome,
  /** Below the home folder, besides those that the manifest names. */
  paths: readonly string[],
  work: (manifest: OpenManifest, place: Place) => Promise<T>,
): Promise<T> {
  if (host === undefined)
    return withManifest(world, (manifest) =>
      work(manifest, { machine: machineOf(world, home), shown: (path) => path }),
    );
  if (home !== undefined) throw wrongUsage('--home or --ssh, not both');
  if (!HOST.test(host)) throw wrongUsage('--ssh takes [USER@]HOST, as ssh does');
  const folder = join(ownFolderOf(world), 'hosts', host);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const there = { ...world, env: { LINECLEAR_HOME: await realpath(folder) } };
  return withManifest(there, (manifest) =>
    withCopies(world, host, join(there.env.LINECLEAR_HOME, 'home'), (copies) => {
      const placed = manifest.current.files.map(({ path }) => relative(copies, path));
      return {
        paths: [...new Set([...paths, ...placed])],
        work: () =>
          work(manifest, {
            machine: machineAt(copies, {}),
            shown: (path) => `${host}:~/${relative(copies, path)}`,
          }),
      };
    }),
  );
}

/** Works with copies of files of a host, and then makes the files there what the copies are. */
async function withCopies<T>(
  world: World,
  host: string,
  copies: string,
  plan: (copies: string) => { readonly paths: readonly string[]; readonly work: () => Promise<T> },
): Promise<T> {
  // What a killed command left is no copy of anything.
  await rm(copies, { recursive: true, force: true });
  await mkdir(copies, { mode: 0o700 });
  try {
    const { paths, work } = plan(copies);
    const before = copiesOf(await ssh(world, host, fetchScript(paths)), paths);
    await writeCopies(copies, before.folders, before.files);
    const result = await work();
    const after = await readCopies(copies, paths);
    const script = pushScript(before.files, after, await foldersGone(copies, before.folders));
    if (script !== undefined) await ssh(world, host, script);
    return result;
  } finally {
    await rm(copies, { recursive: true, force: true });
  }
}

/** Runs a script on a host, in its home folder. Values are in the script, which is no argument of any program. @throws CliError */
function ssh({ env, stderr }: World, host: string, script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('ssh', ['-T', '--', host, 'sh -s'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...env },
    });
    const answer: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= MAX_ANSWER_BYTES) answer.push(part);
      else child.kill();
    });
    child.stderr.pipe(stderr, { end: false });
    // One that ends before it has read all of the script says so by its exit code.
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => reject(new CliError(`ssh cannot be run (${codeOf(error)})`)));
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(answer).toString('utf8'));
      else
        reject(
          new CliError(`${host} did not do what it was asked to (ssh ended with ${code ?? 'a signal'})`),
        );
    });
    child.stdin.end(script);
  });
}

async function writeCopies(
  home: string,
  folders: readonly string[],
  files: readonly RemoteFile[],
): Promise<void> {
  for (const folder of folders) await mkdir(join(home, folder), { recursive: true, mode: 0o700 });
  for (const { path, mode, content } of files) {
    await mkdir(dirname(join(home, path)), { recursive: true, mode: 0o700 });
    await writeFile(join(home, path), content.reveal(), { mode: 0o600, flag: 'wx' });
    await chmod(join(home, path), mode);
  }
}

async function readCopies(home: string, paths: readonly string[]): Promise<RemoteFile[]> {
  const { readFile } = machineAt(home, {});
  const files: RemoteFile[] = [];
  for (const path of paths) {
    const at = join(home, path);
    const content = await readFile(at);
    if (content === undefined) continue;
    files.push({ path, mode: (await stat(at)).mode & 0o7777, content: new Hidden(Buffer.from(content)) });
  }
  return files;
}

async function foldersGone(home: string, folders: readonly string[]): Promise<string[]> {
  const gone: string[] = [];
  for (const folder of folders) {
    try {
      await stat(join(home, folder));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      gone.push(folder);
    }
  }
  return gone;
}
