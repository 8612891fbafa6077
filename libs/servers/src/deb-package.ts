import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fillOnce } from './cache.js';
import { serverEnv, toolEnv } from './config.js';
import { mustRun, run } from './run.js';

export interface DebRecipe {
  /** What its folder in the cache is called. */
  readonly name: string;
  /** Packages that hold the server, the best first. */
  readonly packages: readonly string[];
  /** Packages that it cannot do without and does not depend on. */
  readonly and?: readonly string[];
  /** Where in the package the program may be. */
  readonly programs: readonly string[];
  /** Arguments that make the program tell its version and end. */
  readonly versionArgs: readonly string[];
  /** Where it is no program itself: what is run in its place, to tell whether it works. */
  readonly runBy?: (path: string) => {
    readonly file: string;
    readonly env: Readonly<Record<string, string>>;
  };
  /** Makes it run from beside the system, where settings and environment cannot; once, below the root that was unpacked. */
  readonly fit?: (root: string) => void;
}

export interface UnpackedDeb {
  /** What the packages hold, as it would lie under `/`. */
  readonly root: string;
  readonly file: string;
  readonly env: Record<string, string>;
  /** What the program says of its version. */
  readonly words: string;
}

/**
 * A server out of the distribution's own package, unpacked beside the system instead of installed, which needs no root. apt
 * checks the packages against the distribution's signatures; the libraries that the system lacks are unpacked too.
 */
export async function unpackedDeb(recipe: DebRecipe): Promise<UnpackedDeb | string> {
  for (const tool of ['apt-get', 'dpkg', 'dpkg-deb']) {
    if ((await run(tool, ['--version'], { env: toolEnv() })).code !== 0) return `no ${tool} here`;
  }
  const folder = await fillOnce(`${recipe.name}-deb-${systemName()}-${process.arch}`, async (half) => {
    // The lists of the system when it has some; else our own, which any user may fetch.
    await unpack(half, recipe, []).catch(async () =>
      unpack(half, recipe, await privateLists(join(half, 'apt'))),
    );
    rmSync(join(half, 'apt'), { recursive: true, force: true });
    recipe.fit?.(join(half, 'root'));
    await versionOf(half, recipe);
  });
  return {
    root: join(folder, 'root'),
    file: programIn(folder, recipe),
    env: librariesOf(folder),
    words: await versionOf(folder, recipe),
  };
}

async function versionOf(folder: string, recipe: DebRecipe): Promise<string> {
  const path = programIn(folder, recipe);
  const { file, env } = recipe.runBy?.(path) ?? { file: path, env: {} };
  const { code, stdout, stderr } = await run(file, recipe.versionArgs, {
    env: serverEnv({ ...librariesOf(folder), ...env }),
  });
  if (code !== 0) throw new Error(`${file} ended with code ${code}: ${stderr.trim().slice(-300)}`);
  return `${stdout}${stderr}`.trim();
}

async function unpack(folder: string, recipe: DebRecipe, options: readonly string[]): Promise<void> {
  const debs = join(folder, 'debs');
  rmSync(debs, { recursive: true, force: true });
  mkdirSync(debs, { recursive: true, mode: 0o755 });
  const wanted = await missingPackages(recipe, options);
  await mustRun('apt-get', [...options, '-o', 'APT::Sandbox::User=', '-q', 'download', ...wanted], {
    cwd: debs,
    env: toolEnv(),
  });
  for (const deb of readdirSync(debs).filter((file) => file.endsWith('.deb'))) {
    await mustRun('dpkg-deb', ['-x', join(debs, deb), join(folder, 'root')], { env: toolEnv() });
  }
  rmSync(debs, { recursive: true, force: true });
}

/** What apt would install: the first package that it can, and each library of it that this system lacks. */
async function missingPackages(
  { packages, and = [] }: DebRecipe,
  options: readonly string[],
): Promise<string[]> {
  const reasons: string[] = [];
  for (const name of packages) {
    const args = [
      ...options,
      '-o',
      'Debug::NoLocking=1',
      '-q',
      '-s',
      '--no-install-recommends',
      'install',
      name,
      ...and,
    ];
    const { code, stdout, stderr } = await run('apt-get', args, { env: toolEnv() });
    const wanted = [...stdout.matchAll(/^Inst (\S+)(?: \[[^\]]*\])? \((\S+)/gm)].map(
      ([, pack, version]) => `${pack}=${version}`,
    );
    if (code === 0 && wanted.length > 0) {
      // Another libc than the running one cannot be loaded from beside the system.
      if (wanted.some((pack) => pack.startsWith('libc6=')))
        throw new Error(`${name} needs a newer libc than this system has`);
      return wanted;
    }
    reasons.push(stderr.trim().split('\n').at(-1) ?? `apt-get ended with code ${code}`);
  }
  throw new Error(reasons.join(' / '));
}

async function privateLists(base: string): Promise<string[]> {
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(base, folder), { recursive: true });
  const options = [
    `Dir::State::Lists=${base}/lists`,
    `Dir::Cache=${base}/cache`,
    'Debug::NoLocking=1',
    'APT::Sandbox::User=',
    'Acquire::Languages=none',
    'Acquire::Retries=2',
  ].flatMap((option) => ['-o', option]);
  const { code, stderr } = await run('apt-get', [...options, '-q', 'update'], { env: toolEnv() });
  // One repository of several that fails is only a warning if the rest holds the package.
  if (code !== 0 && !existsSync(`${base}/lists`)) throw new Error(stderr.slice(-300));
  return options;
}

function programIn(folder: string, { name, programs }: DebRecipe): string {
  for (const path of programs) {
    const file = join(folder, 'root', path);
    if (existsSync(file)) return file;
  }
  throw new Error(`the package holds no program of ${name}`);
}

function librariesOf(folder: string): Record<string, string> {
  const found = ['root/usr/lib', 'root/lib'].flatMap((base) => {
    const at = join(folder, base);
    if (!existsSync(at)) return [];
    return [
      at,
      ...readdirSync(at, { withFileTypes: true })
        .filter((e) => e.isDirectory())
        .map((e) => join(at, e.name)),
    ];
  });
  return found.length === 0 ? {} : { LD_LIBRARY_PATH: found.join(':') };
}

function systemName(): string {
  const text = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const value = (key: string): string => new RegExp(`^${key}="?([^"\n]*)`, 'm').exec(text)?.[1] ?? 'unknown';
  return `${value('ID')}-${value('VERSION_ID')}`.replace(/[^A-Za-z0-9.-]/g, '_');
}
