import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CLUSTER_CA, CLUSTER_CERTIFICATE, CLUSTER_KEY } from './fake-kubernetes-certificate.js';
import { DISCOVERY } from './fake-kubernetes-discovery.js';
import { FakeSecrets, type FakeSecret } from './fake-kubernetes-secrets.js';
import { badRequest, KubernetesFault, notFound, statusOf } from './fake-kubernetes-status.js';

/** How a call goes wrong: an error answer; no answer ever; the connection cut before the work is done, or after it. */
export type KubernetesTrouble =
  | {
      readonly status: number;
      readonly retryAfterSeconds?: number;
      readonly text?: string;
      readonly location?: string;
    }
  | 'hang'
  | 'cut before'
  | 'cut after';

export interface FakeKubernetesCall {
  readonly method: string;
  /** With what is asked behind it. */
  readonly path: string;
}

export interface FakeKubernetes {
  readonly url: string;
  /** Of one who may do everything. */
  readonly token: string;
  readonly secrets: FakeSecrets;
  /** All calls, oldest first. */
  readonly calls: readonly FakeKubernetesCall[];
  addNamespace(name: string): void;
  /** A token that may do everything in these namespaces and nothing elsewhere. */
  issueToken(namespaces: readonly string[]): string;
  expireToken(token: string): void;
  /** A kubeconfig whose current context is called `fake`, as JSON, which is YAML too. */
  kubeconfig(options?: {
    readonly token?: string;
    readonly namespace?: string;
    readonly url?: string;
  }): string;
  /** The next `times` calls with this method for secrets go wrong. */
  failNext(method: string, times: number, trouble: KubernetesTrouble): void;
  /** Is called before the next call with this method for secrets is done: what somebody else does meanwhile. */
  meanwhile(method: string, act: () => void): void;
  close(): Promise<void>;
}

type Body = Readonly<Record<string, unknown>>;
interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly contentType: string;
  readonly token: string | undefined;
  readonly text: string;
}
const PATCHES = ['application/merge-patch+json', 'application/strategic-merge-patch+json'];
const PATH = /^\/api\/v1\/(?:namespaces\/([^/]+)\/)?(secrets|namespaces)(?:\/([^/]+))?$/;

/**
 * Starts an API server of Kubernetes as far as secrets need one: discovery, namespaces and Secret objects in JSON over https,
 * with tokens. It is written from the public documents of the API and is not Kubernetes: no protobuf, no watch, no
 * server-side apply, no tables, no roles but a token's namespaces.
 */
export async function startFakeKubernetes(): Promise<FakeKubernetes> {
  const secrets = new FakeSecrets();
  const namespaces = new Set(['default']);
  const tokens = new Map<string, readonly string[] | 'all' | 'expired'>();
  const troubles: { method: string; trouble: KubernetesTrouble }[] = [];
  const others: { method: string; act: () => void }[] = [];
  const calls: FakeKubernetesCall[] = [];
  const issue = (may: readonly string[] | 'all'): string => {
    const token = randomBytes(16).toString('hex');
    tokens.set(token, may);
    return token;
  };
  const token = issue('all');

  function allow(asked: Asked, namespace: string | undefined): void {
    const may = tokens.get(asked.token ?? '') ?? 'expired';
    if (may === 'expired') throw new KubernetesFault(401, 'Unauthorized', 'Unauthorized');
    if (may === 'all' || asked.url.pathname in DISCOVERY) return;
    if (namespace === undefined || !may.includes(namespace))
      throw new KubernetesFault(403, 'Forbidden', `secrets is forbidden: User cannot ${asked.method} here`);
  }

  function ofNamespaces({ method, text }: Asked, name: string | undefined): object {
    const object = (one: string): object => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: one, uid: one, resourceVersion: '1' },
      status: { phase: 'Active' },
    });
    if (method === 'POST' && name === undefined) {
      const { metadata } = JSON.parse(text) as { metadata: { name: string } };
      namespaces.add(metadata.name);
      return object(metadata.name);
    }
    if (method !== 'GET') throw notAllowed;
    if (name === undefined)
      return { apiVersion: 'v1', kind: 'NamespaceList', metadata: {}, items: [...namespaces].map(object) };
    if (!namespaces.has(name)) throw notFound('namespaces', name);
    return object(name);
  }

  function ofSecrets(asked: Asked, namespace: string | undefined, name: string | undefined): object {
    const { method, url } = asked;
    if (method === 'GET' && name === undefined) return page(url, secrets, namespace);
    if (namespace === undefined) throw notAllowed;
    if (method === 'POST' && name === undefined) {
      if (!namespaces.has(namespace)) throw notFound('namespaces', namespace);
      return secrets.create(namespace, bodyOf(asked, ['application/json']));
    }
    if (name === undefined) throw notAllowed;
    if (method === 'GET') return secrets.get(namespace, name);
    if (method === 'PUT') return secrets.replace(namespace, name, bodyOf(asked, ['application/json']));
    if (method === 'PATCH') return secrets.patch(namespace, name, bodyOf(asked, PATCHES));
    if (method !== 'DELETE') throw notAllowed;
    const { preconditions = {} } =
      asked.text === '' ? {} : (bodyOf(asked, ['application/json']) as { preconditions?: Body });
    const { metadata } = secrets.delete(namespace, name, preconditions);
    const details = { name, kind: 'secrets', uid: metadata.uid };
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = await read(request);
    const { method, url } = asked;
    calls.push({ method, path: `${url.pathname}${url.search}` });
    const [, namespace, resource, name] = PATH.exec(url.pathname) ?? [];
    const isSecrets = resource === 'secrets';
    const trouble = isSecrets ? take(troubles, method)?.trouble : undefined;
    if (trouble === 'hang') return;
    if (trouble === 'cut before') return void request.socket.destroy();
    if (typeof trouble === 'object') return failWith(response, trouble);
    if (isSecrets) take(others, method)?.act();
    try {
      allow(asked, namespace);
      const document = DISCOVERY[url.pathname];
      // What changes nothing at a real server must not change anything here.
      if (url.searchParams.has('dryRun')) throw badRequest('this server knows no dry run');
      if (!document && resource === undefined) throw notFound('path', url.pathname);
      const given = document ?? (isSecrets ? ofSecrets(asked, namespace, name) : ofNamespaces(asked, name));
      if (trouble === 'cut after') return void request.socket.destroy();
      send(response, method === 'POST' ? 201 : 200, given);
    } catch (error) {
      const fault =
        error instanceof KubernetesFault ? error : new KubernetesFault(500, 'InternalError', String(error));
      const about = resource === undefined ? undefined : { kind: resource, name: name ?? '' };
      send(response, fault.status, statusOf(fault, about));
    }
  }

  const server = createServer({ cert: CLUSTER_CERTIFICATE, key: CLUSTER_KEY }, (request, response) => {
    answer(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token,
    secrets,
    calls,
    addNamespace: (name) => void namespaces.add(name),
    issueToken: (its) => issue(its),
    expireToken: (its) => void tokens.set(its, 'expired'),
    kubeconfig: ({ token: its = token, namespace, url: server = url } = {}) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'fake',
        clusters: [
          {
            name: 'fake',
            cluster: { server, 'certificate-authority-data': Buffer.from(CLUSTER_CA).toString('base64') },
          },
        ],
        users: [{ name: 'fake', user: { token: its } }],
        contexts: [
          {
            name: 'fake',
            context: { cluster: 'fake', user: 'fake', ...(namespace === undefined ? {} : { namespace }) },
          },
        ],
      }),
    failNext: (method, times, trouble) =>
      void troubles.push(...Array.from({ length: times }, () => ({ method, trouble }))),
    meanwhile: (method, act) => void others.push({ method, act }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const notAllowed = new KubernetesFault(405, 'MethodNotAllowed', 'the server does not allow this method');

/** The first of a method, which is taken out. */
function take<T extends { readonly method: string }>(list: T[], method: string): T | undefined {
  const at = list.findIndex((one) => one.method === method);
  return at === -1 ? undefined : list.splice(at, 1)[0];
}

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    method: request.method ?? '',
    url: new URL(request.url ?? '', 'https://cluster'),
    contentType: (request.headers['content-type'] ?? 'application/json').split(';')[0]!.trim(),
    token: /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1],
    text: Buffer.concat(chunks).toString(),
  };
}

function bodyOf({ contentType, text }: Asked, types: readonly string[]): Body {
  if (!types.includes(contentType))
    throw new KubernetesFault(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${types.join(', ')}`,
    );
  return JSON.parse(text) as Body;
}

/** A page of a list: `limit` of them after the one that `continue` names. */
function page({ searchParams }: URL, secrets: FakeSecrets, namespace: string | undefined): object {
  if (searchParams.get('watch') === 'true') throw badRequest('this server knows no watch');
  const [, named] = /^metadata\.name=(.+)$/.exec(searchParams.get('fieldSelector') ?? '') ?? [];
  const all = secrets.list(namespace, searchParams.get('labelSelector') ?? '', named);
  const from = Number(searchParams.get('continue') ?? 0);
  const to = from + (Number(searchParams.get('limit')) || all.length);
  const items: readonly FakeSecret[] = all.slice(from, to);
  const metadata = {
    resourceVersion: secrets.version,
    ...(to < all.length ? { continue: String(to), remainingItemCount: all.length - to } : {}),
  };
  return { apiVersion: 'v1', kind: 'SecretList', metadata, items };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function failWith(response: ServerResponse, trouble: Exclude<KubernetesTrouble, string>): void {
  const { status, retryAfterSeconds, location, text } = trouble;
  const told = JSON.stringify(statusOf(new KubernetesFault(status, '', 'told to fail'), undefined));
  response
    .writeHead(status, {
      'content-type': 'application/json',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
      ...(location === undefined ? {} : { location }),
    })
    .end(text ?? told);
}
