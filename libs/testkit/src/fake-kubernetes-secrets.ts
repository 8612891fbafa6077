import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { selects } from './fake-kubernetes-selector.js';
import { badRequest, invalid, KubernetesFault, notFound } from './fake-kubernetes-status.js';

export interface FakeSecret {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [more: string]: unknown;
  };
  readonly type: string;
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}
type Body = Readonly<Record<string, unknown>>;

const MAX_BYTES = 1_048_576;
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const KEY = /^[-._a-zA-Z0-9]{1,253}$/;
const LABEL_KEY = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const LABEL = /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;
const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The Secret objects of a cluster, with the rules that the API server has for them. All but `list` throw KubernetesFault. */
export class FakeSecrets {
  readonly #held = new Map<string, FakeSecret>();
  #version = 1000;

  get version(): string {
    return String(this.#version);
  }

  get(namespace: string, name: string): FakeSecret {
    const found = this.#held.get(`${namespace}/${name}`);
    if (!found) throw notFound('secrets', name);
    return found;
  }

  list(namespace: string | undefined, labelSelector: string, name: string | undefined): FakeSecret[] {
    return [...this.#held.values()]
      .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
      .filter(({ metadata }) => name === undefined || metadata.name === name)
      .filter(({ metadata }) => selects(labelSelector, metadata.labels ?? {}))
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  create(namespace: string, body: Body): FakeSecret {
    const wanted = read(body, namespace);
    if (wanted.metadata.resourceVersion !== '')
      throw badRequest('resourceVersion should not be set on objects to be created');
    if (this.#held.has(keyOf(wanted)))
      throw new KubernetesFault(409, 'AlreadyExists', `secrets "${wanted.metadata.name}" already exists`);
    const creationTimestamp = `${new Date().toISOString().slice(0, 19)}Z`;
    return this.#keep({ ...wanted, metadata: { ...wanted.metadata, uid: randomUUID(), creationTimestamp } });
  }

  replace(namespace: string, name: string, body: Body): FakeSecret {
    const held = this.get(namespace, name);
    const wanted = read(body, namespace);
    if (wanted.metadata.name !== name)
      throw badRequest('the name of the object does not match the name on the URL');
    const { resourceVersion, uid } = wanted.metadata;
    refuseStale(held, { resourceVersion: resourceVersion || undefined, uid: uid || undefined });
    if (wanted.type !== held.type) throw invalid(name, 'type', 'field is immutable');
    if (held.immutable && (!wanted.immutable || !isDeepStrictEqual(wanted.data, held.data)))
      throw invalid(name, 'data', 'field is immutable when `immutable` is set');
    const { uid: its, creationTimestamp, resourceVersion: version } = held.metadata;
    const kept = { uid: its, creationTimestamp, resourceVersion: version };
    const next = { ...wanted, metadata: { ...wanted.metadata, ...kept } };
    return isDeepStrictEqual(next, held) ? held : this.#keep(next);
  }

  /** As a merge patch and, of what a Secret has, as a strategic one too: it has no lists that would be merged another way. */
  patch(namespace: string, name: string, patch: Body): FakeSecret {
    return this.replace(namespace, name, merged(this.get(namespace, name), patch) as Body);
  }

  delete(namespace: string, name: string, preconditions: Body): FakeSecret {
    const held = this.get(namespace, name);
    refuseStale(held, preconditions);
    this.#held.delete(keyOf(held));
    this.#version += 1;
    return held;
  }

  #keep(secret: FakeSecret): FakeSecret {
    this.#version += 1;
    const kept = { ...secret, metadata: { ...secret.metadata, resourceVersion: String(this.#version) } };
    this.#held.set(keyOf(kept), kept);
    return kept;
  }
}

const keyOf = ({ metadata }: FakeSecret): string => `${metadata.namespace}/${metadata.name}`;

function refuseStale(held: FakeSecret, { uid, resourceVersion }: Body): void {
  const { metadata } = held;
  const isStale =
    (uid !== undefined && uid !== metadata.uid) ||
    (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion);
  if (isStale)
    throw new KubernetesFault(
      409,
      'Conflict',
      `Operation cannot be fulfilled on secrets "${metadata.name}": the object has been modified; please apply your changes to the latest version and try again`,
    );
}

/** RFC 7396. */
function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

const isObject = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** A Secret as it was sent, with `stringData` in its `data`, where it keeps to the rules. @throws KubernetesFault */
function read(body: Body, namespace: string): FakeSecret {
  if (body['apiVersion'] !== 'v1' || body['kind'] !== 'Secret')
    throw badRequest('the object provided is unrecognized: must be of type Secret');
  const metadata = isObject(body['metadata']) ? body['metadata'] : {};
  const name = textOf(metadata['name']);
  if (!NAME.test(name)) throw invalid(name, 'metadata.name', 'must be a lowercase RFC 1123 subdomain');
  if ((metadata['namespace'] ?? namespace) !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  for (const [key, value] of Object.entries(metadata['labels'] ?? {}))
    if (!LABEL_KEY.test(key) || typeof value !== 'string' || !LABEL.test(value))
      throw invalid(name, 'metadata.labels', 'is no valid label');
  const { immutable } = body;
  const data = dataOf(body, name);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: textOf(body['type']) || 'Opaque',
    metadata: {
      ...metadata,
      name,
      namespace,
      uid: textOf(metadata['uid']),
      resourceVersion: textOf(metadata['resourceVersion']),
      creationTimestamp: '',
    },
    ...(data === undefined ? {} : { data }),
    ...(typeof immutable === 'boolean' ? { immutable } : {}),
  };
}

function dataOf(body: Body, name: string): Readonly<Record<string, string>> | undefined {
  const given = isObject(body['data']) ? body['data'] : undefined;
  const texts = isObject(body['stringData']) ? body['stringData'] : {};
  if (!given && Object.keys(texts).length === 0) return undefined;
  const data: Record<string, string> = {};
  for (const [key, value] of Object.entries(given ?? {})) {
    if (typeof value !== 'string' || !BASE64.test(value))
      throw badRequest('Secret in version "v1" cannot be handled as a Secret: illegal base64 data');
    data[key] = value;
  }
  for (const [key, value] of Object.entries(texts)) data[key] = Buffer.from(String(value)).toString('base64');
  const bad = Object.keys(data).find((key) => !KEY.test(key));
  if (bad !== undefined)
    throw invalid(name, `data[${bad}]`, 'a valid config key must consist of [-._a-zA-Z0-9]+');
  const bytes = Object.values(data).reduce((sum, value) => sum + Buffer.byteLength(value, 'base64'), 0);
  if (bytes > MAX_BYTES) throw invalid(name, 'data', `Too long: must have at most ${MAX_BYTES} bytes`);
  return data;
}
