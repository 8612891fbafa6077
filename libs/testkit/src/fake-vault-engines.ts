import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** What an engine says to a request: a status with data, or with errors. */
export type EngineReply =
  | { readonly status: number; readonly data?: unknown; readonly warnings?: readonly string[] }
  | { readonly status: number; readonly errors: readonly string[] };

export interface EngineRequest {
  readonly method: string;
  /** Below the mount. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Engine {
  readonly type: 'kv' | 'transit';
  readonly options: { readonly version: string } | null;
  handle(request: EngineRequest): EngineReply;
}

const NOT_THERE: EngineReply = { status: 404, errors: [] };
const UNSUPPORTED: EngineReply = {
  status: 405,
  errors: ['1 error occurred:\n\t* unsupported operation\n\n'],
};
const isRead = (method: string): boolean => method === 'GET';
const isWrite = (method: string): boolean => method === 'POST' || method === 'PUT';

/** Version 1: a value per path, and nothing else. */
export function kvFirst(): Engine {
  const secrets = new Map<string, unknown>();
  return {
    type: 'kv',
    options: null,
    handle({ method, path, body }) {
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

export interface FakeTransitKey {
  /** As releases before 1.12 do: the field is not known, and left out without a word. */
  readonly ignoresAssociatedData?: boolean;
}

/** Encrypts with keys that it does not give out. */
export function transit(keys: ReadonlyMap<string, FakeTransitKey>): Engine {
  const secrets = new Map<string, Buffer>();
  const keyOf = (name: string): Buffer => {
    const key = secrets.get(name) ?? randomBytes(32);
    secrets.set(name, key);
    return key;
  };

  function encrypt(key: Buffer, plaintext: Buffer, bound: Buffer): EngineReply {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
    cipher.setAAD(bound);
    const sealed = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    return { status: 200, data: { ciphertext: `vault:v1:${sealed.toString('base64')}`, key_version: 1 } };
  }

  function decrypt(key: Buffer, ciphertext: string, bound: Buffer): EngineReply {
    if (!ciphertext.startsWith('vault:v1:'))
      return { status: 400, errors: ['invalid ciphertext: no prefix'] };
    const sealed = Buffer.from(ciphertext.slice('vault:v1:'.length), 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
      decipher.setAAD(bound);
      decipher.setAuthTag(sealed.subarray(-16));
      const clear = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
      return { status: 200, data: { plaintext: clear.toString('base64') } };
    } catch {
      return { status: 400, errors: ['cipher: message authentication failed'] };
    }
  }

  return {
    type: 'transit',
    options: null,
    handle({ method, path, body }) {
      const [act, name = ''] = path.split('/');
      const kind = keys.get(name);
      if (!isWrite(method)) return UNSUPPORTED;
      if (!kind) return { status: 400, errors: ['encryption key not found'] };
      const text = (field: string): string => (typeof body[field] === 'string' ? body[field] : '');
      const bound = Buffer.from(kind.ignoresAssociatedData ? '' : text('associated_data'), 'base64');
      if (act === 'encrypt') return encrypt(keyOf(name), Buffer.from(text('plaintext'), 'base64'), bound);
      if (act === 'decrypt') return decrypt(keyOf(name), text('ciphertext'), bound);
      return UNSUPPORTED;
    },
  };
}
