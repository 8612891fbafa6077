import { expect, it } from 'vitest';
import { nowhere, openHouse, send, type House } from './house.js';

const SECURE = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** An answer of each kind that the gateway gives by itself. */
async function ownAnswers(house: House) {
  return Promise.all([
    send(house, '/health/live'),
    send(house, '/api/cloud/health'),
    send(house, '/api/nothing'),
    send(house, '/nothing', {}, 'POST', '{'),
    send(house, '/api//users'),
    send(house, '/api/docs/openapi.json'),
    send(house, '/api/docs/start.js'),
    send(house, '/api/docs/assets/swagger-ui.css'),
    send(house, '/api/users'),
    send(house, '/api/users', { host: 'a b' }),
  ]);
}

it('are on every answer of the gateway’s own, also where a service is away', async () => {
  const house = await openHouse({ auth: await nowhere() });
  for (const reply of await ownAnswers(house)) {
    expect(reply.headers, reply.body).toMatchObject(SECURE);
    expect(reply.headers).not.toHaveProperty('strict-transport-security');
    expect(reply.headers).not.toHaveProperty('x-powered-by');
  }
  const { headers } = await send(house, '/api/docs');
  expect(headers).toMatchObject({ ...SECURE, 'content-security-policy': expect.stringContaining("'self'") });
  expect(headers['content-security-policy']).not.toContain('unsafe');
});

it('tell browsers to stay on HTTPS where the house is', async () => {
  const house = await openHouse({ auth: await nowhere() }, 30_000, { publicUrl: 'https://line.test' });
  for (const { headers } of await ownAnswers(house))
    expect(headers['strict-transport-security']).toBe('max-age=31536000');
});

it('of a service pass as they are, once', async () => {
  const house = await openHouse({
    auth: (_, res) =>
      res
        .writeHead(200, { 'content-security-policy': "default-src 'self'", 'referrer-policy': 'origin' })
        .end(),
  });
  const { headers } = await send(house, '/api/users');
  expect(headers).toMatchObject({
    'content-security-policy': "default-src 'self'",
    'referrer-policy': 'origin',
  });
  expect(headers).not.toHaveProperty('x-content-type-options');
});

it('open nothing to another site’s pages', async () => {
  const house = await openHouse({ auth: await nowhere() });
  const preflight = {
    origin: 'https://elsewhere.test',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization',
  };
  const answers = await Promise.all(
    ['/api/users', '/api/docs', '/health/live', '/api/nothing', '/api/docs/openapi.json'].flatMap((path) =>
      ['OPTIONS', 'GET'].map((method) => send(house, path, preflight, method)),
    ),
  );
  for (const { headers } of answers)
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
});
