import { createHmac, createPublicKey, randomBytes, verify } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { keyPairOf } from './ed25519.js';
import { formatSecret, secretBytes, signatureHeaders } from './sign.js';

describe('a webhook secret', () => {
  it.each([
    ['24 bytes', `whsec_${Buffer.alloc(24, 1).toString('base64')}`, 24],
    ['64 bytes', `whsec_${Buffer.alloc(64, 1).toString('base64')}`, 64],
    ['23 bytes', `whsec_${Buffer.alloc(23, 1).toString('base64')}`, undefined],
    ['65 bytes', `whsec_${Buffer.alloc(65, 1).toString('base64')}`, undefined],
    ['no prefix', Buffer.alloc(32, 1).toString('base64'), undefined],
    ['url-safe base64', `whsec_${Buffer.alloc(32, 255).toString('base64url')}`, undefined],
    ['a space inside', `whsec_${Buffer.alloc(32, 1).toString('base64').replace('A', 'A ')}`, undefined],
    ['nothing', '', undefined],
  ])('of %s', (_, text, length) => {
    expect(secretBytes(text)?.length).toBe(length);
  });

  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), (bytes) => {
        expect(secretBytes(formatSecret(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
      }),
    );
  });
});

describe('signatures', () => {
  const key = randomBytes(32);

  it('are taken by a client of the specification, for any body', () => {
    const client = new Webhook(formatSecret(key));
    fc.assert(
      fc.property(fc.uuid(), fc.json(), (id, body) => {
        const headers = signatureHeaders([{ key }], { id, type: 'job.completed', body }, new Date());
        expect(client.verify(body, headers)).toEqual(JSON.parse(body));
      }),
    );
  });

  it('are refused for another body, id, time or key', () => {
    const now = new Date();
    const headers = signatureHeaders([{ key }], { id: 'a', type: 'job.completed', body: '{}' }, now);
    const client = new Webhook(formatSecret(key));
    expect(() => client.verify('{} ', headers)).toThrow();
    expect(() => client.verify('{}', { ...headers, 'webhook-id': 'b' })).toThrow();
    const other = String(Math.floor(now.getTime() / 1_000) - 1);
    expect(() => client.verify('{}', { ...headers, 'webhook-timestamp': other })).toThrow();
    expect(() => new Webhook(formatSecret(randomBytes(32))).verify('{}', headers)).toThrow();
  });

  it('are as the specification and the guide write them', () => {
    const fixed = secretBytes('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')!;
    const headers = signatureHeaders(
      [{ key: fixed }],
      { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', type: 'test', body: '{"test": 2432232314}' },
      new Date(1_614_265_330_500),
    );
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      'x-lineclear-event': 'test',
      'x-lineclear-timestamp': '1614265330',
      'x-lineclear-signature': `sha256=${createHmac('sha256', fixed).update('{"test": 2432232314}').digest('hex')}`,
    });
  });

  it('are of every signer, so that a receiver with any of the keys takes it', () => {
    const [old, fresh] = [randomBytes(32), randomBytes(32)];
    const pair = keyPairOf(randomBytes(32));
    const headers = signatureHeaders(
      [{ key: fresh, privateKey: pair.privateKey }, { key: old }],
      { id: 'a', type: 'job.completed', body: '{}' },
      new Date(),
    );
    for (const key of [old, fresh]) expect(new Webhook(formatSecret(key)).verify('{}', headers)).toEqual({});
    const signatures = headers['webhook-signature']!.split(' ');
    expect(signatures.map((one) => one.split(',')[0])).toEqual(['v1', 'v1a', 'v1']);
    const x = Buffer.from(pair.publicKey.slice('whpk_'.length), 'base64').toString('base64url');
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    const signed = Buffer.from(`a.${headers['webhook-timestamp']}.{}`);
    expect(verify(null, signed, publicKey, Buffer.from(signatures[1]!.split(',')[1]!, 'base64'))).toBe(true);
    const plain = createHmac('sha256', fresh).update('{}').digest('hex');
    expect(headers['x-lineclear-signature']).toBe(`sha256=${plain}`);
  });
});
