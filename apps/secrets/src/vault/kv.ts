import { Secret } from '@lineclear/kit';
import { z } from 'zod';
import { kvPath, kvVersionFrom, textOf, type KvVersion, type MountAnswer } from '../domain/kv-version.js';
import { secretValue } from '../domain/secret-value.js';
import type { VaultClient } from './vault-client.js';
import { VaultFailed } from './vault-failed.js';
import type { VaultAnswer } from './vault-http.js';

/** What lies at one path: its keys with their values, and which version that is where versions are kept. */
export interface KvSecret {
  readonly version: number | null;
  readonly values: ReadonlyMap<string, KvValue>;
}

/** A value, or why it cannot be handed on as it is: that is no reason to do without its neighbours. */
export type KvValue = Secret | VaultFailed;

const mountData = z.object({
  type: z.string().max(120),
  options: z.object({ version: z.string().max(10).optional() }).nullish(),
});
const secondData = z.object({
  data: z.record(z.string().max(512), z.unknown()).nullable(),
  metadata: z.object({ version: z.int().min(1) }),
});

const listData = z.object({ keys: z.array(z.string().min(1).max(512)) });

/** Reads Vault's key-value engine in either version. */
export class VaultKv {
  readonly #versions = new Map<string, KvVersion>();

  constructor(
    private readonly client: VaultClient,
    /** Where it is known; else the server is asked once per mount. */
    private readonly version: KvVersion | undefined,
  ) {}

  /** The secret at a path; undefined when there is none, or its newest version was deleted. @throws VaultFailed */
  async read(mount: string, path: string): Promise<KvSecret | undefined> {
    const version = this.version ?? this.#versions.get(mount) ?? (await this.#askVersion(mount, path));
    if (version === 'try') return this.#readEither(mount, path);
    this.#versions.set(mount, version);
    const answer = await this.#get(version, mount, path);
    return version === 2 ? second(answer, mount, path) : first(answer, mount, path);
  }

  /** What lies right below a folder; what ends with a slash is a folder again. @throws VaultFailed */
  async list(mount: string, folder: string): Promise<string[]> {
    const version = this.version ?? this.#versions.get(mount) ?? (await this.#askVersion(mount, folder));
    if (version !== 'try') return this.#list(version, mount, folder);
    const newer = await this.#list(2, mount, folder);
    return newer.length > 0 ? newer : this.#list(1, mount, folder);
  }

  async #list(version: KvVersion, mount: string, folder: string): Promise<string[]> {
    const at = [mount, ...(version === 2 ? ['metadata'] : []), ...(folder === '' ? [] : [folder])].join('/');
    const { status, body } = await this.client.call({
      method: 'GET',
      path: `${encoded(at)}?list=true`,
      repeatable: true,
    });
    if (status === 404) return [];
    const parsed = listData.safeParse(body.data);
    if (parsed.success) return parsed.data.keys;
    throw new VaultFailed('unreadable', `${at}: the answer is no list`);
  }

  async #askVersion(mount: string, path: string): Promise<KvVersion | 'try'> {
    const version = kvVersionFrom(await this.#mountAnswer(mount, path));
    if (version === 'not kv') throw new VaultFailed('not found', `${mount} is not a key-value mount`);
    return version;
  }

  async #mountAnswer(mount: string, path: string): Promise<MountAnswer> {
    try {
      // With the path behind it: it may be asked by who may read there, and a policy says that by path.
      const asked = `sys/internal/ui/mounts/${encoded(path === '' ? mount : `${mount}/${path}`)}`;
      const { status, body } = await this.client.call({ method: 'GET', path: asked, repeatable: true });
      const parsed = mountData.safeParse(body.data);
      if (status === 404 || !parsed.success) return { kind: 'unknown' };
      return { kind: 'mount', type: parsed.data.type, version: parsed.data.options?.version };
    } catch (error) {
      if (!(error instanceof VaultFailed)) throw error;
      if (error.fault === 'denied') return { kind: 'denied' };
      if (error.fault === 'not found') return { kind: 'unknown' };
      throw error;
    }
  }

  /** The second version first. Only "not there" leads to the other one: a refusal is a refusal, and would be hidden by it. */
  async #readEither(mount: string, path: string): Promise<KvSecret | undefined> {
    const answer = await this.#get(2, mount, path).catch((error: unknown) => {
      if (error instanceof VaultFailed && error.fault === 'denied')
        throw new VaultFailed(
          'denied',
          `${error.message.replace(/^Vault: /, '')}. (Whether ${mount} has version 1 or 2 could not be asked; LINECLEAR_VAULT_KV_VERSION tells it)`,
          { reason: error.reason },
        );
      throw error;
    });
    if (secondData.safeParse(answer.body.data).success) {
      this.#versions.set(mount, 2);
      return second(answer, mount, path);
    }
    const older = await this.#get(1, mount, path);
    if (older.status === 404) return undefined;
    this.#versions.set(mount, 1);
    return first(older, mount, path);
  }

  #get(version: KvVersion, mount: string, path: string): Promise<VaultAnswer> {
    return this.client.call({
      method: 'GET',
      path: kvPath(version, encoded(mount), encoded(path)),
      repeatable: true,
    });
  }
}

/** Each part of a path encoded, the slashes between them left. */
export const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

function first({ status, body }: VaultAnswer, mount: string, path: string): KvSecret | undefined {
  if (status === 404) return undefined;
  if (!body.data) throw new VaultFailed('unreadable', `${mount}/${path}: answered without data`);
  return { version: null, values: valuesOf(body.data, `${mount}/${path}`) };
}

function second({ status, body }: VaultAnswer, mount: string, path: string): KvSecret | undefined {
  // A version that was deleted is answered with 404 and its metadata.
  if (status === 404) return undefined;
  const parsed = secondData.safeParse(body.data);
  if (!parsed.success)
    throw new VaultFailed('unreadable', `${mount}/${path}: the answer is not that of version 2`);
  const { data, metadata } = parsed.data;
  if (data === null) return undefined;
  return { version: metadata.version, values: valuesOf(data, `${mount}/${path}`) };
}

/** Each value as text. An empty one counts as not set, as it does in the environment. */
export function valuesOf(
  data: Readonly<Record<string, unknown>>,
  where: string,
): ReadonlyMap<string, KvValue> {
  const set = Object.entries(data).filter(([, value]) => value !== '');
  return new Map(set.map(([key, value]) => [key, valueOf(value, `${where}: ${key}`)]));
}

function valueOf(value: unknown, what: string): KvValue {
  const text = textOf(value);
  if (text === undefined)
    return new VaultFailed(
      'unreadable',
      `${what} has a number too large to be read exactly; keep it as text`,
    );
  if (secretValue.safeParse(text).success) return new Secret(text);
  return new VaultFailed('unreadable', `${what} is too large, or holds characters that no secret may have`);
}
