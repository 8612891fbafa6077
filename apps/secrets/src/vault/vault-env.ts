import { ConfigError, Secret } from '@lineclear/kit';
import { z } from 'zod';
import type { KvVersion } from '../domain/kv-version.js';
import { SERVICE_ACCOUNT_TOKEN, type Given } from './login.js';
import type { KeyPlace } from './vault-source.js';

const MAX_NAMES = 200;
const PATH = /^(?!.*(^|\/)\.{1,2}(\/|$))[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/;
export const vaultPath = z.string().max(256).regex(PATH, 'is not a path such as team/app');
const word = z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, 'is made of more than letters, digits, _, . and -');
const filePath = z.string().min(1).max(4_096);
const printable = z
  .string()
  .max(8_192)
  .regex(/^[\x21-\x7e]+$/, 'holds a character that no token has');
const secret = printable.transform((text) => new Secret(text));

const ENTRY = /^([A-Za-z_][A-Za-z0-9_.-]{0,127})=([^#=]{1,256})(?:#([^#=]{1,128}))?$/;
/** `name=path#key, ...`: without a key it is `value`. */
const names = z
  .string()
  .max(65_536)
  .transform((text, context): ReadonlyMap<string, KeyPlace> => {
    const places = new Map<string, KeyPlace>();
    for (const entry of text.split(',').map((part) => part.trim())) {
      const [, name, path, key = 'value'] = ENTRY.exec(entry) ?? [];
      const wrong =
        name === undefined || path === undefined || !PATH.test(path)
          ? 'is not a list of name=path#key'
          : places.has(name)
            ? `names ${name} twice`
            : places.size >= MAX_NAMES
              ? `has more than ${MAX_NAMES} names`
              : undefined;
      if (wrong !== undefined) {
        context.addIssue({ code: 'custom', message: wrong });
        return z.NEVER;
      }
      places.set(name as string, { path: path as string, key });
    }
    return places;
  });

/** What the environment says of Vault. The VAULT_* names are those of Vault's own command. */
export const vaultEnv = {
  VAULT_ADDR: z
    .url({ protocol: /^https?$/ })
    .max(2_048)
    .regex(/^[a-z]+:\/\/[^@?#]+$/i, 'has more in it than scheme, host, port and path')
    .optional(),
  VAULT_TOKEN: secret.optional(),
  VAULT_TOKEN_FILE: filePath.optional(),
  VAULT_ROLE: word.optional(),
  VAULT_NAMESPACE: vaultPath.optional(),
  VAULT_CACERT: filePath.optional(),
  LINECLEAR_VAULT_AUTH: z.enum(['token', 'kubernetes', 'approle']).optional(),
  LINECLEAR_VAULT_AUTH_MOUNT: vaultPath.optional(),
  LINECLEAR_VAULT_JWT_FILE: filePath.optional(),
  LINECLEAR_VAULT_ROLE_ID: printable.optional(),
  LINECLEAR_VAULT_SECRET_ID: secret.optional(),
  LINECLEAR_VAULT_SECRET_ID_FILE: filePath.optional(),
  LINECLEAR_VAULT_MOUNT: vaultPath.optional(),
  LINECLEAR_VAULT_PATH: vaultPath.optional(),
  LINECLEAR_VAULT_NAMES: names.optional(),
  /** Names whose values Vault makes for each attempt of a job; here the path is whole. */
  LINECLEAR_VAULT_DYNAMIC: names.optional(),
  LINECLEAR_VAULT_KV_VERSION: z.enum(['1', '2']).optional(),
  LINECLEAR_VAULT_CACHE_SECONDS: z.coerce.number().int().min(0).max(3_600).optional(),
  /** For how long after that a value is still given while a newer one is fetched. */
  LINECLEAR_VAULT_CACHE_STALE_SECONDS: z.coerce.number().int().min(0).max(86_400).optional(),
  LINECLEAR_VAULT_TIMEOUT_SECONDS: z.coerce.number().min(0.05).max(60).optional(),
  LINECLEAR_VAULT_TRANSIT_KEY: word.optional(),
  LINECLEAR_VAULT_TRANSIT_MOUNT: vaultPath.optional(),
};
export type VaultEnv = z.infer<z.ZodObject<typeof vaultEnv>>;

export type VaultAuth =
  | { readonly method: 'token'; readonly token: Given }
  | { readonly method: 'kubernetes'; readonly mount: string; readonly role: string; readonly jwt: Given }
  | { readonly method: 'approle'; readonly mount: string; readonly roleId: string; readonly secretId: Given };

export interface VaultSettings {
  readonly address: string;
  readonly namespace: string | undefined;
  readonly caPath: string | undefined;
  readonly auth: VaultAuth;
  readonly mount: string;
  readonly path: string;
  readonly elsewhere: ReadonlyMap<string, KeyPlace>;
  readonly dynamic: ReadonlyMap<string, KeyPlace>;
  readonly kvVersion: KvVersion | undefined;
  readonly cacheMs: number;
  readonly staleMs: number;
  readonly timeoutMs: number;
  readonly transit: { readonly mount: string; readonly key: string } | undefined;
}

/** The settings for Vault; undefined where VAULT_ADDR names none. @throws ConfigError naming the variable that is missing or does not go with the others. */
export function vaultSettings(env: VaultEnv): VaultSettings | undefined {
  if (env.VAULT_ADDR === undefined) {
    const idle = Object.entries(env).find(
      ([name, value]) => name.startsWith('LINECLEAR_VAULT_') && value !== undefined,
    );
    if (idle) throw new ConfigError(`${idle[0]} is set, but VAULT_ADDR is not: there is no Vault to ask`);
    return undefined;
  }
  if (env.LINECLEAR_VAULT_TRANSIT_MOUNT !== undefined && env.LINECLEAR_VAULT_TRANSIT_KEY === undefined)
    throw new ConfigError('LINECLEAR_VAULT_TRANSIT_MOUNT is set, but LINECLEAR_VAULT_TRANSIT_KEY is not');
  const transitKey = env.LINECLEAR_VAULT_TRANSIT_KEY;
  const elsewhere = env.LINECLEAR_VAULT_NAMES ?? new Map<string, KeyPlace>();
  const dynamic = env.LINECLEAR_VAULT_DYNAMIC ?? new Map<string, KeyPlace>();
  const twice = [...dynamic.keys()].find((name) => elsewhere.has(name));
  if (twice !== undefined)
    throw new ConfigError(`LINECLEAR_VAULT_NAMES and LINECLEAR_VAULT_DYNAMIC both name ${twice}`);
  return {
    address: env.VAULT_ADDR,
    namespace: env.VAULT_NAMESPACE,
    caPath: env.VAULT_CACERT,
    auth: authOf(env),
    mount: env.LINECLEAR_VAULT_MOUNT ?? 'secret',
    path: env.LINECLEAR_VAULT_PATH ?? 'lineclear',
    elsewhere,
    dynamic,
    kvVersion:
      env.LINECLEAR_VAULT_KV_VERSION === undefined
        ? undefined
        : env.LINECLEAR_VAULT_KV_VERSION === '2'
          ? 2
          : 1,
    cacheMs: (env.LINECLEAR_VAULT_CACHE_SECONDS ?? 60) * 1_000,
    staleMs: (env.LINECLEAR_VAULT_CACHE_STALE_SECONDS ?? 0) * 1_000,
    timeoutMs: (env.LINECLEAR_VAULT_TIMEOUT_SECONDS ?? 5) * 1_000,
    transit:
      transitKey === undefined
        ? undefined
        : { mount: env.LINECLEAR_VAULT_TRANSIT_MOUNT ?? 'transit', key: transitKey },
  };
}

type Method = VaultAuth['method'];
/** What each way of logging in is told by; with another way it would have no effect. */
const BELONGS_TO: Readonly<Record<Method, readonly (keyof VaultEnv)[]>> = {
  token: [],
  kubernetes: ['LINECLEAR_VAULT_JWT_FILE'],
  approle: ['LINECLEAR_VAULT_ROLE_ID', 'LINECLEAR_VAULT_SECRET_ID', 'LINECLEAR_VAULT_SECRET_ID_FILE'],
};

function authOf(env: VaultEnv): VaultAuth {
  const method = env.LINECLEAR_VAULT_AUTH ?? guessed(env);
  for (const [other, variables] of Object.entries(BELONGS_TO)) {
    const stray = variables.find((name) => env[name] !== undefined);
    if (other !== method && stray)
      throw new ConfigError(`${stray} has no effect with LINECLEAR_VAULT_AUTH=${method}`);
  }
  if (method === 'token' && env.LINECLEAR_VAULT_AUTH_MOUNT !== undefined)
    throw new ConfigError('LINECLEAR_VAULT_AUTH_MOUNT has no effect with LINECLEAR_VAULT_AUTH=token');
  const mount = env.LINECLEAR_VAULT_AUTH_MOUNT ?? method;
  switch (method) {
    case 'token':
      return { method, token: givenBy(env, 'VAULT_TOKEN', method) };
    case 'kubernetes': {
      if (env.VAULT_ROLE === undefined) throw needs('VAULT_ROLE', method);
      const jwt = {
        path: env.LINECLEAR_VAULT_JWT_FILE ?? SERVICE_ACCOUNT_TOKEN,
        variable: 'LINECLEAR_VAULT_JWT_FILE',
      };
      return { method, mount, role: env.VAULT_ROLE, jwt };
    }
    case 'approle': {
      const roleId = env.LINECLEAR_VAULT_ROLE_ID;
      if (roleId === undefined) throw needs('LINECLEAR_VAULT_ROLE_ID', method);
      return { method, mount, roleId, secretId: givenBy(env, 'LINECLEAR_VAULT_SECRET_ID', method) };
    }
  }
}

function guessed(env: VaultEnv): Method {
  if (env.VAULT_TOKEN || env.VAULT_TOKEN_FILE) return 'token';
  if (env.LINECLEAR_VAULT_ROLE_ID) return 'approle';
  if (env.VAULT_ROLE) return 'kubernetes';
  throw new ConfigError(
    'VAULT_ADDR is set, but nothing to log in with: set VAULT_TOKEN or VAULT_TOKEN_FILE, VAULT_ROLE (Kubernetes), or ' +
      'LINECLEAR_VAULT_ROLE_ID with LINECLEAR_VAULT_SECRET_ID (AppRole). Unset VAULT_ADDR to go without Vault.',
  );
}

/** The file goes before the value: what it holds is replaced in time, and read anew at each login. */
function givenBy(env: VaultEnv, name: 'VAULT_TOKEN' | 'LINECLEAR_VAULT_SECRET_ID', method: Method): Given {
  const path = env[`${name}_FILE`];
  if (path !== undefined) return { path, variable: `${name}_FILE` };
  const value = env[name];
  if (value === undefined) throw needs(`${name} or ${name}_FILE`, method);
  return { value };
}

const needs = (variable: string, method: Method): ConfigError =>
  new ConfigError(`LINECLEAR_VAULT_AUTH=${method} needs ${variable}`);
