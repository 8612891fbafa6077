import type { FileFamily, Values } from './format.js';
import { deleteMember, readMember, writeMember } from './json-file.js';

/** What the docker tools call the registry that has no name. */
const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

const keyOf = (server: string): string => (server === DOCKER_HUB ? DOCKER_HUB_KEY : server);

/** A registry by one name, however it was written. */
export const registryName = (server: string): string => (server === DOCKER_HUB_KEY ? DOCKER_HUB : server);

/** `auths` of ~/.docker/config.json: user and password of each registry, joined by a colon, as base64. */
export const dockerConfig: FileFamily = {
  fields: ['server', 'username', 'password'],
  read: (text, profile) => {
    if (text.trim() === '') return undefined;
    const auth = readMember(text, pathOf(profile));
    return auth ? decode(auth, profile) : undefined;
  },
  write: (text, { username, password }, profile) => {
    if (username === undefined || password === undefined)
      return dockerConfig.remove(text ?? '', profile, text) ?? '';
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    if (text === undefined || text.trim() === '')
      return `${JSON.stringify({ auths: { [keyOf(profile)]: { auth } } }, undefined, '\t')}\n`;
    return writeMember(text, pathOf(profile), auth);
  },
  remove: (text, profile, before) => {
    if (text.trim() === '') return text || undefined;
    const rest = deleteMember(text, pathOf(profile), before);
    // A file that we made has nothing else: an empty object is what is left of it.
    return before === undefined && /^\s*\{\s*\}\s*$/.test(rest) ? undefined : rest;
  },
};

const pathOf = (profile: string): string[] => ['auths', keyOf(profile), 'auth'];

function decode(auth: string, profile: string): Values | undefined {
  const pair = Buffer.from(auth, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 1 || colon === pair.length - 1) return undefined;
  return {
    server: registryName(profile),
    username: pair.slice(0, colon),
    password: pair.slice(colon + 1).replace(/(?<!\0)\0+$/, ''),
  };
}
