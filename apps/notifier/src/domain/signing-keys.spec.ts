import { secretChanged } from '@lineclear/contracts';
import { describe, expect, it } from 'vitest';
import { keyPairOf } from './ed25519.js';
import {
  allSecretNames,
  FIRST_KEYS,
  secretNames,
  signatureOf,
  signingNow,
  type WebhookKeys,
} from './signing-keys.js';

const now = new Date('2026-01-02T00:00:00.000Z');
const { publicKey } = keyPairOf(Buffer.alloc(32, 255));

describe('the keys of a webhook', () => {
  it.each<[string, string | null, string[]]>([
    ['none before them', null, ['b']],
    ['those before them not over', '2026-01-02T00:00:00.001Z', ['b', 'a']],
    ['those before them just over', '2026-01-02T00:00:00.000Z', ['b']],
    ['those before them long over', '2025-01-02T00:00:00.000Z', ['b']],
  ])('sign with %s', (_, endsAt, ids) => {
    const previous = endsAt === null ? null : { id: 'a', publicKey: null, endsAt };
    const keys: WebhookKeys = { id: 'b', publicKey: null, previous };
    expect(signingNow(keys, now).map(({ id }) => id)).toEqual(ids);
  });

  it('have names that the secrets service takes', () => {
    expect(secretNames(7, FIRST_KEYS)).toEqual({ secret: 'channel.7.webhook_secret' });
    const names = secretNames(2_147_483_647, { id: 'ab12cd34', publicKey });
    expect(names.secret).toBe('channel.2147483647.webhook_secret.ab12cd34');
    for (const name of allSecretNames(7, { id: 'ab12cd34', publicKey }))
      secretChanged.data.parse({ name, version: 1 });
    expect(signatureOf({ id: '', publicKey })).toBe('ed25519');
    expect(signatureOf(FIRST_KEYS)).toBe('hmac');
  });
});
