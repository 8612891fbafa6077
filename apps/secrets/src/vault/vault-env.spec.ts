import { ConfigError, readEnv, Secret } from '@lineclear/kit';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { vaultEnv, vaultSettings, type VaultSettings } from './vault-env.js';

const ADDR = { VAULT_ADDR: 'https://vault.example.com:8200' };
const TOKEN = { VAULT_TOKEN: 'hvs.canary' };
const read = (env: Record<string, string>): VaultSettings | undefined =>
  vaultSettings(readEnv(z.object(vaultEnv), env));

describe('the settings for Vault', () => {
  it('are none without VAULT_ADDR, whatever else the command of Vault left in the environment', () => {
    expect(read({})).toBeUndefined();
    expect(read({ ...TOKEN, VAULT_NAMESPACE: 'a' })).toBeUndefined();
  });

  it('have defaults for all but the way to log in', () => {
    expect(read({ ...ADDR, ...TOKEN })).toMatchObject({
      address: ADDR.VAULT_ADDR,
      mount: 'secret',
      path: 'lineclear',
      cacheMs: 60_000,
      timeoutMs: 5_000,
      kvVersion: undefined,
      transit: undefined,
      elsewhere: new Map(),
    });
  });

  it.each<[string, Record<string, string>, VaultSettings['auth']]>([
    ['a token', TOKEN, { method: 'token', token: { value: new Secret('hvs.canary') } }],
    [
      'a service account',
      { VAULT_ROLE: 'lineclear' },
      {
        method: 'kubernetes',
        mount: 'kubernetes',
        role: 'lineclear',
        jwt: {
          path: '/var/run/secrets/kubernetes.io/serviceaccount/token',
          variable: 'LINECLEAR_VAULT_JWT_FILE',
        },
      },
    ],
    [
      'an AppRole',
      {
        LINECLEAR_VAULT_ROLE_ID: 'r',
        LINECLEAR_VAULT_SECRET_ID: 's',
        LINECLEAR_VAULT_AUTH_MOUNT: 'team/approle',
      },
      { method: 'approle', mount: 'team/approle', roleId: 'r', secretId: { value: new Secret('s') } },
    ],
    [
      'a service account, though there is a token',
      { ...TOKEN, VAULT_ROLE: 'x', LINECLEAR_VAULT_AUTH: 'kubernetes', LINECLEAR_VAULT_JWT_FILE: '/j' },
      {
        method: 'kubernetes',
        mount: 'kubernetes',
        role: 'x',
        jwt: { path: '/j', variable: 'LINECLEAR_VAULT_JWT_FILE' },
      },
    ],
  ])('log in with %s', (_what, env, auth) => {
    const read_ = read({ ...ADDR, ...env })?.auth;
    expect(JSON.stringify(read_)).toBe(JSON.stringify(auth));
  });

  it('hold nothing secret in a way that prints', () => {
    const settings = read({ ...ADDR, LINECLEAR_VAULT_ROLE_ID: 'r', LINECLEAR_VAULT_SECRET_ID: 'canary' });
    expect(JSON.stringify(settings)).not.toContain('canary');
  });

  it('find names at other paths', () => {
    const env = { LINECLEAR_VAULT_NAMES: 'nvidia-api-key=nvidia/api-key, db=team/a_b.c#pass word' };
    expect(read({ ...ADDR, ...TOKEN, ...env })?.elsewhere).toEqual(
      new Map([
        ['nvidia-api-key', { path: 'nvidia/api-key', key: 'value' }],
        ['db', { path: 'team/a_b.c', key: 'pass word' }],
      ]),
    );
  });

  it('find names whose values are made for each job, several at one path', () => {
    const env = {
      LINECLEAR_VAULT_DYNAMIC: 'DB_USER=database/creds/r#username, DB_PASS=database/creds/r#password',
    };
    expect(read({ ...ADDR, ...TOKEN, ...env })?.dynamic).toEqual(
      new Map([
        ['DB_USER', { path: 'database/creds/r', key: 'username' }],
        ['DB_PASS', { path: 'database/creds/r', key: 'password' }],
      ]),
    );
    expect(read({ ...ADDR, ...TOKEN })?.dynamic).toEqual(new Map());
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'a name that is stored and made',
      { ...TOKEN, LINECLEAR_VAULT_NAMES: 'a=b', LINECLEAR_VAULT_DYNAMIC: 'a=c/d#e' },
      'LINECLEAR_VAULT_NAMES and LINECLEAR_VAULT_DYNAMIC both name a',
    ],
    ['no way to log in', {}, 'VAULT_TOKEN'],
    ['token without one', { LINECLEAR_VAULT_AUTH: 'token' }, 'VAULT_TOKEN'],
    ['kubernetes without a role', { LINECLEAR_VAULT_AUTH: 'kubernetes' }, 'VAULT_ROLE'],
    ['AppRole without its role', { LINECLEAR_VAULT_AUTH: 'approle' }, 'LINECLEAR_VAULT_ROLE_ID'],
    ['AppRole without its secret', { LINECLEAR_VAULT_ROLE_ID: 'r' }, 'LINECLEAR_VAULT_SECRET_ID'],
    ['a secret id with a token', { ...TOKEN, LINECLEAR_VAULT_SECRET_ID: 's' }, 'LINECLEAR_VAULT_SECRET_ID'],
    [
      'a service account with a token',
      { ...TOKEN, LINECLEAR_VAULT_JWT_FILE: '/x' },
      'LINECLEAR_VAULT_JWT_FILE',
    ],
    ['a mount of a token', { ...TOKEN, LINECLEAR_VAULT_AUTH_MOUNT: 'x' }, 'LINECLEAR_VAULT_AUTH_MOUNT'],
    [
      'transit without a key',
      { ...TOKEN, LINECLEAR_VAULT_TRANSIT_MOUNT: 't' },
      'LINECLEAR_VAULT_TRANSIT_KEY',
    ],
  ])('refuse %s, naming %3$s', (_what, env, name) => {
    expect(() => read({ ...ADDR, ...env })).toThrow(ConfigError);
    expect(() => read({ ...ADDR, ...env })).toThrow(name);
  });

  it('refuse settings of ours where there is no Vault', () => {
    expect(() => read({ LINECLEAR_VAULT_PATH: 'x' })).toThrow(/LINECLEAR_VAULT_PATH.*VAULT_ADDR/);
  });

  it.each([
    ['VAULT_ADDR', 'ftp://vault'],
    ['VAULT_ADDR', 'https://user:canary@vault'],
    ['VAULT_ADDR', 'https://vault/?canary'],
    ['VAULT_TOKEN', 'canary\nx: y'],
    ['VAULT_NAMESPACE', 'a/../canary'],
    ['VAULT_ROLE', 'a/canary'],
    ['LINECLEAR_VAULT_AUTH', 'canary'],
    ['LINECLEAR_VAULT_AUTH_MOUNT', '/canary'],
    ['LINECLEAR_VAULT_MOUNT', '../canary'],
    ['LINECLEAR_VAULT_PATH', 'canary/..'],
    ['LINECLEAR_VAULT_NAMES', 'canary'],
    ['LINECLEAR_VAULT_NAMES', 'x=../canary'],
    ['LINECLEAR_VAULT_DYNAMIC', 'x=/database/canary'],
    ['LINECLEAR_VAULT_NAMES', 'x=a,x=canary'],
    ['LINECLEAR_VAULT_NAMES', Array.from({ length: 201 }, (_, at) => `canary${at}=p`).join()],
    ['LINECLEAR_VAULT_KV_VERSION', '3'],
    ['LINECLEAR_VAULT_CACHE_SECONDS', '3601'],
    ['LINECLEAR_VAULT_TIMEOUT_SECONDS', '0'],
    ['LINECLEAR_VAULT_TIMEOUT_SECONDS', '61'],
    ['LINECLEAR_VAULT_TRANSIT_KEY', 'a/canary'],
    ['LINECLEAR_VAULT_TRANSIT_MOUNT', 'canary//x'],
  ])('refuse %s=%s without repeating it', (name, value) => {
    const reading = (): unknown => read({ ...ADDR, ...TOKEN, [name]: value });
    expect(reading).toThrow(ConfigError);
    expect(reading).toThrow(name);
    expect(reading).not.toThrow('canary');
  });
});
