// What every command needs first: a Node that is new enough, the packages of the lock, and a build of what has changed.
// Plain JavaScript without packages, as nothing may be there yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...path) => join(root, ...path);

function stop(why) {
  console.error(why);
  process.exit(1);
}

function run(what, file, args) {
  console.log(what);
  const { status, error } = spawnSync(file, args, { cwd: root, stdio: 'inherit' });
  if (error) stop(`${file} cannot be run: ${error.message}`);
  if (status !== 0) stop(`${what} failed (code ${status})`);
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isNewEnough = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
if (!isNewEnough) stop(`Lineclear needs Node 20.19, 22.12 or newer; this is ${process.version}.`);

// What was installed is told by the digest of the lock: times of files say little after a checkout of another branch.
const digest = createHash('sha256')
  .update(readFileSync(at('package-lock.json')))
  .digest('hex');
const mark = at('node_modules', '.lineclear-lock');
const npmMark = at('node_modules', '.package-lock.json');
const isInstalled = () => {
  if (existsSync(mark)) return readFileSync(mark, 'utf8') === digest;
  // Installed by hand with npm, after the lock was last written.
  return existsSync(npmMark) && statSync(npmMark).mtimeMs >= statSync(at('package-lock.json')).mtimeMs;
};
if (!isInstalled()) {
  // Builds need the development packages even where NODE_ENV says production; no package needs its install script.
  const flags = [
    '--include=dev',
    '--include=optional',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  run('installing packages', process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', ...flags]);
  writeFileSync(mark, digest);
}

run('building', process.execPath, [at('node_modules', 'typescript', 'bin', 'tsc'), '-b', root]);
const { bundle } = await import('./bundle.mjs');
await bundle(root);
