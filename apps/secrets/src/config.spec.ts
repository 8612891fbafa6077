import { ConfigError } from '@lineclear/kit';
import { expect, it } from 'vitest';
import { readConfig } from './config.js';

const BASE = { PORT: '0', DATABASE_URL: 'postgres://x/y', NATS_URL: 'nats://x', REDIS_URL: 'redis://x' };
const KEY = Buffer.alloc(32, 1).toString('base64');

it('stops without a key, and says what to set', () => {
  expect(() => readConfig(BASE)).toThrow(/LINECLEAR_CREDENTIAL_KEY.*LINECLEAR_KEY_FILE/);
});

it('holds the key in a way that does not print', () => {
  const config = readConfig({ ...BASE, LINECLEAR_CREDENTIAL_KEY: KEY });
  expect(config.LINECLEAR_CREDENTIAL_KEY?.reveal()).toBe(KEY);
  expect(JSON.stringify(config)).not.toContain(KEY);
});

it.each([
  ['LINECLEAR_CREDENTIAL_KEY', 'hunter2-hunter2'],
  ['LINECLEAR_SECRETS_ENV_PREFIX', 'lower'],
  // With it, LINECLEAR_CREDENTIAL_KEY would be a secret named credential-key.
  ['LINECLEAR_SECRETS_ENV_PREFIX', 'LINECLEAR'],
  ['LINECLEAR_SECRETS_ENV_PREFIX', 'DATABASE'],
  ['LINECLEAR_SECRETS_ENV_PREFIX', 'VAULT'],
  ['VAULT_ADDR', 'not-an-address'],
  // Alone it would have no effect.
  ['LINECLEAR_VAULT_SECRET_ID', 'hunter2'],
  ['LINECLEAR_SECRETS_SOURCES', 'environment,file'],
  ['LINECLEAR_SECRETS_SOURCES', 'store,keychain'],
  ['LINECLEAR_SECRETS_SOURCES', 'store,file,store'],
  ['LINECLEAR_SECRETS_CACHE_SECONDS', '-1'],
  ['LINECLEAR_SECRETS_CACHE_MISS_SECONDS', '3601'],
  ['LINECLEAR_SECRETS_CACHE_STALE_SECONDS', '86401'],
  ['LINECLEAR_SECRETS_CACHE_ENTRIES', '0'],
  ['LINECLEAR_SECRETS_FILE_CHECK_SECONDS', 'soon'],
  ['LINECLEAR_AWS_ENDPOINT', 'http://hunter2.example'],
  ['LINECLEAR_SECRETS_BREAK_GLASS_HOURS', '0.5'],
  ['LINECLEAR_SECRETS_BREAK_GLASS_HOURS', '169'],
])('refuses %s=%s without repeating a key', (name, value) => {
  const reading = (): unknown => readConfig({ ...BASE, LINECLEAR_CREDENTIAL_KEY: KEY, [name]: value });
  expect(reading).toThrow(ConfigError);
  expect(reading).toThrow(name);
  expect(reading).not.toThrow('hunter2');
});

it('takes the prefix that is made for it', () => {
  expect(
    readConfig({ ...BASE, LINECLEAR_CREDENTIAL_KEY: KEY, LINECLEAR_SECRETS_ENV_PREFIX: 'LINECLEAR_SECRET' })
      .LINECLEAR_SECRETS_ENV_PREFIX,
  ).toBe('LINECLEAR_SECRET');
});
