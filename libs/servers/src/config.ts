import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const SOURCES = ['path', 'npm', 'deb', 'js'] as const;
export type Source = (typeof SOURCES)[number];

/** Where downloaded and unpacked servers are kept, as the environment asks for it. */
export function wantedCacheFolder(): string {
  const { LINECLEAR_CACHE, XDG_CACHE_HOME } = process.env;
  return LINECLEAR_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'lineclear');
}

/** The folders of PATH, in order. */
export function pathFolders(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
}

/** Which sources may be used, in order: all of them, or what LINECLEAR_SERVER_SOURCES lists ("npm,deb"). */
export function allowedSources(): readonly Source[] {
  const wanted = process.env['LINECLEAR_SERVER_SOURCES'];
  if (!wanted) return SOURCES;
  const names = wanted.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(SOURCES as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new Error(`LINECLEAR_SERVER_SOURCES: "${unknown}" is none of ${SOURCES.join(', ')}`);
  return SOURCES.filter((source) => names.includes(source));
}

/** The environment for tools (npm, apt-get) that must see the user's own settings, proxies and certificates. */
export function toolEnv(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C' };
}

/** The environment of a server: nothing of the user's, who may hold secrets in it. */
export function serverEnv(extra: Record<string, string> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', ...extra };
}
