import {
  isRead,
  isWrite,
  NOT_THERE,
  UNSUPPORTED,
  type Engine,
  type EngineReply,
  type EngineRequest,
} from './engine.js';

/** The names right below a folder, folders with a slash behind, as `?list=true` is answered. Node cannot read Vault's own method LIST. */
function listBelow(paths: Iterable<string>, folder: string): EngineReply {
  const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
  const below = [...paths].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  const keys = new Set(
    below.map((path) => (path.includes('/') ? path.slice(0, path.indexOf('/') + 1) : path)),
  );
  return keys.size === 0 ? NOT_THERE : { status: 200, data: { keys: [...keys].sort() } };
}
const isList = (method: string, query: URLSearchParams): boolean =>
  isRead(method) && query.get('list') === 'true';

/** Version 1: a value per path, and nothing else. */
export function kvFirst(): Engine {
  const secrets = new Map<string, unknown>();
  return {
    type: 'kv',
    options: null,
    handle({ method, path, query, body }) {
      if (isList(method, query)) return listBelow(secrets.keys(), path);
      if (isWrite(method)) secrets.set(path, body);
      else if (method === 'DELETE') secrets.delete(path);
      else if (!isRead(method)) return UNSUPPORTED;
      else return secrets.has(path) ? { status: 200, data: secrets.get(path) } : NOT_THERE;
      return { status: 204 };
    },
  };
}

interface Version {
  readonly data: unknown;
  readonly createdTime: string;
  deletionTime: string;
}

/** Version 2: versions with check-and-set; what is deleted stays to be undeleted. */
export function kvSecond(nowMs: () => number): Engine {
  const secrets = new Map<string, Version[]>();
  const time = (): string => new Date(nowMs()).toISOString();

  const metadata = (version: Version, number: number): object => ({
    created_time: version.createdTime,
    custom_metadata: null,
    deletion_time: version.deletionTime,
    destroyed: false,
    version: number,
  });

  function read(path: string, asked: number): EngineReply {
    const versions = secrets.get(path) ?? [];
    const number = asked || versions.length;
    const version = versions[number - 1];
    if (!version) return NOT_THERE;
    if (version.deletionTime !== '')
      return { status: 404, data: { data: null, metadata: metadata(version, number) } };
    return { status: 200, data: { data: version.data, metadata: metadata(version, number) } };
  }

  function write(path: string, body: EngineRequest['body']): EngineReply {
    const versions = secrets.get(path) ?? [];
    const { cas } = (body['options'] ?? {}) as { cas?: unknown };
    if (cas !== undefined && cas !== versions.length)
      return { status: 400, errors: ['check-and-set parameter did not match the current version'] };
    const version: Version = { data: body['data'], createdTime: time(), deletionTime: '' };
    versions.push(version);
    secrets.set(path, versions);
    return { status: 200, data: metadata(version, versions.length) };
  }

  return {
    type: 'kv',
    options: { version: '2' },
    handle({ method, path, query, body }) {
      const [kind, ...rest] = path.split('/');
      const at = rest.join('/');
      const newest = secrets.get(at)?.at(-1);
      if (kind === 'metadata' && isList(method, query)) return listBelow(secrets.keys(), at);
      if (kind === 'data' && isRead(method)) return read(at, Number(query.get('version') ?? 0));
      if (kind === 'data' && isWrite(method)) return write(at, body);
      if (kind === 'data' && method === 'DELETE') {
        if (newest) newest.deletionTime = time();
        return { status: 204 };
      }
      if (kind === 'metadata' && method === 'DELETE') {
        secrets.delete(at);
        return { status: 204 };
      }
      if (kind === 'data' || kind === 'metadata') return UNSUPPORTED;
      return { status: 404, errors: [] };
    },
  };
}
