import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keyPairOf, signEd25519 } from './ed25519.js';

// RFC 8032, section 7.1, tests 1 and 2.
const VECTORS = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    point: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    text: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    point: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    text: 'r',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
];
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

describe('ed25519', () => {
  it.each(VECTORS)('is as the RFC has it for %j', ({ seed, point, text, signature }) => {
    const pair = keyPairOf(bytes(seed));
    expect(pair.publicKey).toBe(`whpk_${bytes(point).toString('base64')}`);
    expect(pair.privateKey).toBe(`whsk_${bytes(seed + point).toString('base64')}`);
    expect(signEd25519(pair.privateKey, text)).toBe(bytes(signature).toString('base64'));
  });

  it('is taken by whoever has the public key alone', () => {
    const { privateKey, publicKey } = keyPairOf(Buffer.alloc(32, 7));
    const x = Buffer.from(publicKey.slice('whpk_'.length), 'base64').toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    const signature = Buffer.from(signEd25519(privateKey, 'a.1.{}')!, 'base64');
    expect(verify(null, Buffer.from('a.1.{}'), key, signature)).toBe(true);
    expect(verify(null, Buffer.from('a.2.{}'), key, signature)).toBe(false);
  });

  it.each([
    ['without prefix', Buffer.alloc(64).toString('base64')],
    ['too short', `whsk_${Buffer.alloc(32).toString('base64')}`],
    ['public', keyPairOf(Buffer.alloc(32)).publicKey],
    ['empty', ''],
  ])('signs nothing with a key that is %s', (_, key) => {
    expect(signEd25519(key, 'x')).toBeUndefined();
  });
});
