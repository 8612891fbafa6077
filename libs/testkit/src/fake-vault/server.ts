import { randomBytes } from 'node:crypto';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Engine } from './engine.js';
import { kvFirst, kvSecond } from './kv.js';
import { failWith, send, type Answer } from './replies.js';
import { FakeGrants, type FakeToken } from './tokens.js';
import { transit } from './transit.js';
import type {
  FakeDynamic,
  FakeRole,
  FakeVault,
  FakeVaultCall,
  FakeVaultOptions,
  VaultFault,
} from './types.js';

interface Login {
  readonly matches: (body: Readonly<Record<string, unknown>>) => boolean;
  readonly options: FakeRole;
}
interface Asked extends FakeVaultCall {
  readonly query: URLSearchParams;
}

const MAX_CALLS = 10_000;
const DENIED: Answer = { status: 403, errors: ['1 error occurred:\n\t* permission denied\n\n'] };
const BAD_TOKEN: Answer = { status: 403, errors: ['permission denied', 'invalid token'] };

/**
 * Starts a server that answers as the public documents of Vault's and OpenBao's HTTP API say: tokens, Kubernetes and
 * AppRole logins, key-value in both versions, dynamic secrets with leases, transit, namespaces. It is a real HTTP server
 * that can fail like one; it is not Vault, and knows no policies but `deny`.
 */
export async function startFakeVault(options: FakeVaultOptions = {}): Promise<FakeVault> {
  const nowMs = options.nowMs ?? Date.now;
  const grants = new FakeGrants(nowMs);
  const root = grants.issueToken('', 'for ever');
  const mounts = new Map<string, Engine>();
  const dynamic = new Map<string, FakeDynamic>();
  const logins: Login[] = [];
  const denied = new Set<string>();
  const faults: { prefix: string; fault: VaultFault }[] = [];
  const calls: FakeVaultCall[] = [];
  let isSealed = false;

  const inNamespace = (namespace: string, path: string): string =>
    namespace ? `${namespace}/${path}` : path;

  function login({ path, namespace, body }: Asked): Answer {
    const mount = path.slice('auth/'.length, -'/login'.length);
    const known = logins.find(
      ({ options: { mount: at, namespace: its = '' }, matches }) =>
        at === mount && its === namespace && matches(body),
    );
    if (!known)
      return 'role_id' in body
        ? { status: 400, errors: ['invalid role or secret ID'] }
        : { status: 403, errors: ['permission denied'] };
    return { status: 200, more: { auth: authOf(grants.issueToken(namespace, known.options)) } };
  }

  const authOf = (token: FakeToken): object => ({
    client_token: token.id,
    accessor: 'accessor',
    policies: ['default'],
    token_policies: ['default'],
    metadata: {},
    lease_duration: grants.secondsLeft(token),
    renewable: token.renewable,
    entity_id: '',
    token_type: 'service',
    orphan: true,
  });

  function ownToken(path: string, token: FakeToken): Answer | undefined {
    if (path === 'auth/token/lookup-self') {
      const data = {
        id: token.id,
        ttl: grants.secondsLeft(token),
        renewable: token.renewable,
        policies: ['default'],
      };
      return { status: 200, data };
    }
    if (path === 'auth/token/renew-self') {
      if (!token.renewable) return { status: 400, errors: ['lease is not renewable'] };
      grants.renew(token, token.ttlMs);
      return { status: 200, more: { auth: authOf(token) } };
    }
    if (path !== 'auth/token/revoke-self') return undefined;
    grants.revokeToken(token.id);
    return { status: 204 };
  }

  function leaseWork(path: string, body: Asked['body']): Answer | undefined {
    // The older form of the path is still in use in policies.
    const work = /^sys\/(?:leases\/)?(renew|revoke)$/.exec(path)?.[1];
    if (work === undefined) return undefined;
    const lease = grants.lease(body['lease_id']);
    if (work === 'revoke') {
      if (lease) grants.revokeLease(lease.id);
      return { status: 204 };
    }
    if (!lease) return { status: 400, errors: ['lease not found'] };
    if (!lease.renewable) return { status: 400, errors: ['lease is not renewable'] };
    const increment = Number(body['increment'] ?? 0);
    const seconds = grants.renew(lease, (increment || 3_600) * 1_000);
    return { status: 200, more: { lease_id: lease.id, lease_duration: seconds, renewable: true } };
  }

  function mountOf(
    namespace: string,
    path: string,
  ): { mount: string; engine: Engine; below: string } | undefined {
    const parts = path.split('/');
    for (let length = parts.length; length > 0; length -= 1) {
      const mount = parts.slice(0, length).join('/');
      const engine = mounts.get(inNamespace(namespace, mount));
      if (engine) return { mount, engine, below: parts.slice(length).join('/') };
    }
    return undefined;
  }

  function uiMount(namespace: string, path: string): Answer {
    const found = mountOf(namespace, path);
    if (!found) return DENIED;
    const { mount, engine } = found;
    return { status: 200, data: { path: `${mount}/`, type: engine.type, options: engine.options } };
  }

  function issue(path: string, token: FakeToken, ttl: FakeDynamic): Answer {
    const lease = grants.issueLease(path, token, ttl);
    const more = {
      lease_id: lease.id,
      lease_duration: grants.secondsLeft(lease),
      renewable: lease.renewable,
    };
    const data = ttl.data ?? {
      username: `u-${randomBytes(6).toString('hex')}`,
      password: randomBytes(12).toString('base64url'),
    };
    return { status: 200, data, more };
  }

  function answer(asked: Asked): Answer {
    const { method, path, namespace, body, query } = asked;
    if (path === 'sys/health')
      return { status: isSealed ? 503 : 200, more: { initialized: true, sealed: isSealed } };
    if (isSealed) return { status: 503, errors: ['Vault is sealed'] };
    if (/^auth\/.+\/login$/.test(path)) return login(asked);
    const token = grants.token(asked.token);
    if (!token) return BAD_TOKEN;
    if (token !== root && [...denied].some((prefix) => path.startsWith(prefix))) return DENIED;
    const own = ownToken(path, token) ?? leaseWork(path, body);
    if (own) return own;
    if (token !== root && token.namespace !== namespace) return DENIED;
    const UI = 'sys/internal/ui/mounts/';
    if (path.startsWith(UI)) return uiMount(namespace, path.slice(UI.length));
    const ttl = dynamic.get(path);
    if (ttl && method === 'GET') return issue(path, token, ttl);
    const found = mountOf(namespace, path);
    if (found) return found.engine.handle({ method, path: found.below, query, body });
    return { status: 404, errors: [`no handler for route "${path}". route entry not found.`] };
  }

  function handle(request: IncomingMessage, response: ServerResponse, raw: string): void {
    const url = new URL(request.url ?? '/', 'http://fake');
    const header = (name: string): string | undefined => request.headers[name] as string | undefined;
    const asked: Asked = {
      method: request.method ?? 'GET',
      path: decodeURIComponent(url.pathname.replace(/^\/v1\//, '')),
      namespace: (header('x-vault-namespace') ?? '').replace(/^\/|\/$/g, ''),
      token: header('x-vault-token'),
      body: raw === '' ? {} : (JSON.parse(raw) as Asked['body']),
      query: url.searchParams,
    };
    calls.push(asked);
    if (calls.length > MAX_CALLS) calls.shift();
    const at = faults.findIndex(({ prefix }) => asked.path.startsWith(prefix));
    const fault = at < 0 ? undefined : faults.splice(at, 1)[0]?.fault;
    if (fault === 'hang') return;
    if (fault === 'cut before') return void request.socket.destroy();
    if (typeof fault === 'object' && 'status' in fault) return failWith(response, fault);
    const reply = answer(asked);
    if (typeof fault === 'object') return void fault.until.then(() => send(response, reply));
    if (fault === 'cut after') return void request.socket.destroy();
    send(response, reply);
  }

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(request, response, Buffer.concat(chunks).toString('utf8')));
  };
  const { tls } = options;
  const server = tls ? createHttps({ cert: tls.certificate, key: tls.key }, listener) : createHttp(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rootToken: root.id,
    calls,
    callsTo: (prefix) => calls.filter(({ path }) => path.startsWith(prefix)).length,
    mountKv: (mount, version, namespace = '') =>
      void mounts.set(inNamespace(namespace, mount), version === 1 ? kvFirst() : kvSecond(nowMs)),
    put(mount, path, data, namespace = '') {
      const engine = mounts.get(inNamespace(namespace, mount));
      if (!engine) throw new Error(`nothing is mounted at ${mount}`);
      const isSecond = engine.options?.version === '2';
      const request = { method: 'POST', query: new URLSearchParams() };
      if (isSecond) engine.handle({ ...request, path: `data/${path}`, body: { data } });
      else engine.handle({ ...request, path, body: data });
    },
    softDelete: (mount, path) =>
      void mounts
        .get(mount)
        ?.handle({ method: 'DELETE', path: `data/${path}`, query: new URLSearchParams(), body: {} }),
    addDynamic: (path, ttl) => void dynamic.set(path, ttl),
    removeDynamic: (path) => void dynamic.delete(path),
    addKubernetesRole: (role, jwt, its) =>
      void logins.unshift({
        matches: (body) => body['role'] === role && body['jwt'] === jwt,
        options: { mount: 'kubernetes', ...its },
      }),
    addAppRole: (roleId, secretId, its) =>
      void logins.unshift({
        matches: (body) => body['role_id'] === roleId && body['secret_id'] === secretId,
        options: { mount: 'approle', ...its },
      }),
    mountTransit: (mount, keys) => void mounts.set(mount, transit(new Map(Object.entries(keys)))),
    issueToken: (ttl, namespace = '') => grants.issueToken(namespace, ttl).id,
    revokeToken: (token) => grants.revokeToken(token),
    deny: (prefix) => void denied.add(prefix),
    allow: (prefix) => void denied.delete(prefix),
    liveLeases: (path) => grants.leasesAt(path),
    revokeLease: (id) => grants.revokeLease(id),
    seal: (sealed) => {
      isSealed = sealed;
    },
    failNext: (prefix, times, fault) =>
      void faults.push(...Array.from({ length: times }, () => ({ prefix, fault }))),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
