import { unpackedDeb } from './deb-package.js';
import type { Program } from './server.js';

/** Redis (or Valkey) out of the distribution's own package. */
export async function debRedis(): Promise<Program | string> {
  const deb = await unpackedDeb({
    name: 'redis',
    packages: ['redis-server', 'valkey-server'],
    programs: ['usr/bin/redis-server', 'usr/bin/valkey-server', 'usr/sbin/redis-server'],
    versionArgs: ['--version'],
  });
  if (typeof deb === 'string') return deb;
  const version = /v=([\d.]+)/.exec(deb.words)?.[1] ?? deb.words;
  return {
    file: deb.file,
    env: deb.env,
    how: `distribution package unpacked without root, Redis ${version}`,
  };
}
