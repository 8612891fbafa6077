import { readFile } from 'node:fs/promises';
import { Secret } from '@lineclear/kit';
import { VaultFailed } from './vault-failed.js';
import type { VaultBody, VaultHttp } from './vault-http.js';

export interface LoggedIn {
  readonly token: Secret;
  /** 0 for a token that does not end. */
  readonly ttlMs: number;
  readonly renewable: boolean;
  /** Whether it was made by this login: then it is ours to revoke. */
  readonly own: boolean;
}

/** A way to come by a token. What it reads from files is read at each login: those who put it there replace it in time. */
export interface LoginMethod {
  readonly name: 'token' | 'kubernetes' | 'approle';
  /** @throws VaultFailed when Vault refuses or does not answer, or the file cannot be read. */
  login(http: VaultHttp): Promise<LoggedIn>;
}

/** A secret that was given, or the file that has it. */
export type Given = { readonly value: Secret } | { readonly path: string; readonly variable: string };

const MAX_FILE_CHARACTERS = 16_384;
export const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** A token that was given, and is not ours to revoke. What it may and how long it lives, it is asked itself. */
export const tokenLogin = (given: Given): LoginMethod => ({
  name: 'token',
  async login(http) {
    const token = await reveal(given);
    const { status, body } = await http.call(
      { method: 'GET', path: 'auth/token/lookup-self', repeatable: true },
      token,
    );
    const { ttl, renewable } = body.data ?? {};
    if (status !== 200 || typeof ttl !== 'number')
      throw new VaultFailed('unreadable', 'the token tells nothing of itself (auth/token/lookup-self)');
    return { token, ttlMs: ttl * 1_000, renewable: renewable === true, own: false };
  },
});

/** The service account of a Kubernetes pod, as `role`. */
export const kubernetesLogin = (mount: string, role: string, jwt: Given): LoginMethod => ({
  name: 'kubernetes',
  async login(http) {
    const body = { role, jwt: (await reveal(jwt)).reveal() };
    return loggedIn(await http.call({ method: 'POST', path: `auth/${mount}/login`, body }));
  },
});

/** A role id with the secret id that goes with it. Not tried twice: a secret id may be good for so many uses only. */
export const appRoleLogin = (mount: string, roleId: string, secretId: Given): LoginMethod => ({
  name: 'approle',
  async login(http) {
    const body = { role_id: roleId, secret_id: (await reveal(secretId)).reveal() };
    return loggedIn(await http.call({ method: 'POST', path: `auth/${mount}/login`, body }));
  },
});

function loggedIn({ body: { auth } }: { body: VaultBody }): LoggedIn {
  if (!auth) throw new VaultFailed('unreadable', 'the login was answered without a token');
  return {
    token: new Secret(auth.client_token),
    ttlMs: auth.lease_duration * 1_000,
    renewable: auth.renewable,
    own: true,
  };
}

async function reveal(given: Given): Promise<Secret> {
  if ('value' in given) return given.value;
  const { path, variable } = given;
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new VaultFailed(
      'invalid',
      `${variable} names ${path}, which cannot be read (${cause.code ?? 'unknown'})`,
    );
  });
  const trimmed = text.trim();
  if (!/^[\x21-\x7e]+$/.test(trimmed) || trimmed.length > MAX_FILE_CHARACTERS)
    throw new VaultFailed('invalid', `${variable} names ${path}, which holds no token`);
  return new Secret(trimmed);
}
