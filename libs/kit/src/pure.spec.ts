import { outlineOf } from './logger.js';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { CompactEncrypt } from 'jose';
import { describe, expect, it } from 'vitest';
import { parseJson } from './body.js';
import { isSealingKey, SealingKey, sealTo } from './seal.js';
import { Secret } from './secret.js';

describe('Secret', () => {
  it('does not print', () => {
    const secret = new Secret('hunter2');
    expect(
      [String(secret), JSON.stringify({ secret }), inspect({ secret }), '' + secret].join(),
    ).not.toContain('hunter2');
    expect(secret.reveal()).toBe('hunter2');
  });
});

describe('sealed boxes', () => {
  it('open for their key only, and whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 300 }), async (text) => {
        const key = new SealingKey();
        const box = await sealTo(key.publicKey, text);
        expect(await key.open(box)).toBe(text);
        await expect(new SealingKey().open(box)).rejects.toThrow();
        // Each part counts: the header, what is encrypted, and the tag.
        for (const part of [0, 2, 3, 4]) {
          const parts = box.split('.');
          const bytes = Buffer.from(parts[part]!, 'base64url');
          if (bytes.length === 0) continue;
          bytes[bytes.length - 1]! ^= 1;
          parts[part] = bytes.toString('base64url');
          await expect(key.open(parts.join('.'))).rejects.toThrow();
        }
      }),
      { numRuns: 30 },
    );
  });

  it('are JWE as everybody reads them, of one kind alone', async () => {
    const key = new SealingKey();
    const [header = ''] = (await sealTo(key.publicKey, 'x')).split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({
      alg: 'ECDH-ES',
      enc: 'A256GCM',
      epk: { kty: 'OKP', crv: 'X25519' },
    });
    const other = await new CompactEncrypt(Buffer.from('x'))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A128GCM' })
      .encrypt(createPublicKey({ key: Buffer.from(key.publicKey, 'base64'), format: 'der', type: 'spki' }));
    await expect(key.open(other)).rejects.toThrow();
  });

  it('have keys as everybody writes them: SPKI DER, and nothing else is one', () => {
    const { publicKey } = new SealingKey();
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    expect(key.asymmetricKeyType).toBe('x25519');
    expect(isSealingKey(publicKey)).toBe(true);
    const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' });
    const cut = Buffer.from(publicKey, 'base64').subarray(0, -1);
    for (const other of [
      '',
      'x',
      ed25519.toString('base64'),
      cut.toString('base64'),
      Buffer.concat([cut, cut]).toString('base64'),
    ])
      expect(isSealingKey(other)).toBe(false);
  });

  it('open again with the kept private key', async () => {
    const key = new SealingKey();
    expect(await new SealingKey(key.exportPrivate()).open(await sealTo(key.publicKey, 'x'))).toBe('x');
  });
});

describe('bodies', () => {
  it('come back as JSON says', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes('\\u0000') && !text.includes('__proto__') && !/\\ud[89a-f]/i.test(text));
        expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['{"a":', /not valid JSON/],
    [Buffer.from([0x22, 0xff, 0x22]), /not valid UTF-8/],
    ['{"a":{"b":"x\\u0000"}}', /a\.b: holds a NUL/],
    ['{"a":["\\ud800"]}', /a\.0: holds half a surrogate/],
    [`${'['.repeat(50)}${']'.repeat(50)}`, /nested more than 32/],
    ['{"__proto__":{"x":1}}', /key that is not allowed/],
    ['{"a":[-1e999]}', /a\.0: is too large a number/],
  ])('refuses %j', (body, message) => {
    expect(() => parseJson(Buffer.from(body as string))).toThrow(message);
  });

  it.each(['{"value":hunter2}', 'hunter2', '{"value":"hunter2" x}', '{"value":"hunter2'])(
    'quotes nothing of the broken body %j',
    (body) => {
      let thrown: unknown;
      try {
        parseJson(Buffer.from(body));
      } catch (error) {
        thrown = error;
      }
      expect(inspect(thrown, { depth: 9 }).split('\n    at ')[0]).toMatch(/not valid JSON/);
      expect(inspect(thrown, { depth: 9 })).not.toContain('hunter2');
    },
  );
});

it('logs of an error what it says, not what hangs on it', () => {
  const error = Object.assign(new Error('gone', { cause: new Error('first') }), {
    code: '57P01',
    client: { password: 'hunter2' },
    parameters: ['hunter2'],
  });
  const logged = outlineOf(error);
  expect(logged).toEqual({
    type: 'Error',
    message: 'gone: first',
    stack: expect.stringContaining('first'),
    code: '57P01',
  });
  expect(outlineOf('text')).toBe('text');
});
