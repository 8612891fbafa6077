import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { buffer } from 'node:stream/consumers';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { nowhere, openHouse, send, sendBytes } from './house.js';

/** Answers with what it was asked. */
const mirror: RequestListener = (req, res) => {
  void buffer(req).then((body) => {
    res.setHeader('set-cookie', ['a=1', 'b=2']);
    res.setHeader('keep-alive', 'timeout=5');
    res.setHeader('x-request-id', 'of the service');
    res.writeHead(201, { 'content-type': 'application/json' });
    res.end(
      JSON.stringify({
        method: req.method,
        url: req.url,
        headers: req.headers,
        length: body.length,
        body: body.toString().slice(0, 100),
      }),
    );
  });
};
interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly length: number;
  readonly body: string;
}
const seen = (body: string) => JSON.parse(body) as Seen;

describe('a request', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    '%s passes with its path, query and body',
    async (method) => {
      const house = await openHouse({ auth: mirror });
      const reply = await send(
        house,
        '/api/users/%6De?q=a%2Fb&q=2',
        { 'content-type': 'text/plain', 'content-length': '5' },
        method,
        'hello',
      );
      expect(reply.status).toBe(201);
      expect(reply.headers['set-cookie']).toEqual(['a=1', 'b=2']);
      expect(seen(reply.body)).toMatchObject({
        method,
        url: '/api/users/me?q=a%2Fb&q=2',
        length: 5,
        body: 'hello',
      });
    },
  );

  it('keeps HEAD without a body and 304 as it is', async () => {
    const house = await openHouse({
      auth: (req, res) =>
        req.method === 'HEAD'
          ? res.writeHead(200, { 'content-length': '7' }).end()
          : res.writeHead(304).end(),
    });
    expect(await send(house, '/api/users', {}, 'HEAD')).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': '7' },
    });
    expect(await send(house, '/api/users')).toMatchObject({ status: 304, body: '' });
  });

  it('takes bodies of every kind of length', async () => {
    const house = await openHouse({ 'queue-scheduler': mirror });
    for (const size of [0, 1, 65_536, 65_537, 3_000_000]) {
      for (const headers of [
        { 'content-length': String(size) },
        { 'transfer-encoding': 'chunked' },
      ] as Record<string, string>[]) {
        const reply = await send(house, '/api/cloud/local/submit', headers, 'POST', 'x'.repeat(size));
        expect([size, seen(reply.body).length]).toEqual([size, size]);
      }
    }
  });

  it('gets ids of its own where it has none, and keeps good ones', async () => {
    const house = await openHouse({ auth: mirror });
    const bare = await send(house, '/api/users', {
      'x-request-id': 'a b'.repeat(50),
      traceparent: 'nonsense',
      tracestate: 'a=b',
    });
    const sent = seen(bare.body).headers;
    expect(bare.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(sent['x-request-id']).toBe(bare.headers['x-request-id']);
    expect(sent['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(sent['tracestate']).toBeUndefined();

    const trace = {
      traceparent: `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-00`,
      tracestate: 'vendor=1',
      'x-request-id': 'my-id.1',
    };
    const known = await send(house, '/api/users', trace);
    expect(seen(known.body).headers).toMatchObject(trace);
    expect(known.headers['x-request-id']).toBe('my-id.1');
  });

  it('cannot make the list of its hops long', async () => {
    const house = await openHouse({ auth: mirror });
    const hops = Array.from({ length: 100 }, (_, n) => `10.0.0.${n}`);
    const reply = await send(house, '/api/users', { 'x-forwarded-for': hops.join(', ') });
    const told = String(seen(reply.body).headers['x-forwarded-for']);
    expect(told.split(',').map((hop) => hop.trim())).toEqual([...hops.slice(-10), '127.0.0.1']);
  });

  it('cannot say where it comes from: what it claims goes before what the socket says', async () => {
    const house = await openHouse({ auth: mirror });
    const reply = await send(house, '/api/users', {
      'x-forwarded-for': '10.0.0.1',
      'X-Forwarded-Proto': 'https',
      'x-forwarded-host': 'bank.example',
      'x-forwarded-user': 'admin',
      'x-forwarded-prefix': '/x',
      'x-real-ip': '10.0.0.1',
      forwarded: 'for=10.0.0.1',
      connection: 'close, x-forwarded-for, x-secret',
      'x-secret': '1',
      te: 'trailers',
      'proxy-authorization': 'Basic x',
      authorization: 'Bearer kept',
    });
    const { headers } = seen(reply.body);
    expect(headers).toMatchObject({
      'x-forwarded-for': '10.0.0.1, 127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': `127.0.0.1:${house.port}`,
      authorization: 'Bearer kept',
    });
    for (const name of [
      'x-forwarded-user',
      'x-forwarded-prefix',
      'x-real-ip',
      'forwarded',
      'x-secret',
      'te',
      'proxy-authorization',
    ])
      expect(headers).not.toHaveProperty(name);
  });
});

describe('a path that could be read in two ways', () => {
  it.each([
    '/api/users/../secrets',
    '/api/users/%2e%2e/secrets',
    '/api/users/me%2fcredentials',
    '/api/users%2f..%2fsecrets',
    '//api/secrets',
    '/api//secrets',
    '/api/users\\..\\secrets',
    '/api/users#/../secrets',
    'http://127.0.0.1/api/secrets',
    'http://elsewhere.example/api/secrets',
    '*',
  ])('%s is refused', async (path) => {
    const house = await openHouse();
    const answer = await sendBytes(house, `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('content-type: application/problem+json');
  });

  it('reaches the service of its plain form when an escape hides a letter', async () => {
    const house = await openHouse();
    expect((await send(house, '/api/users/me/%63redentials')).body).toBe('secrets');
    expect((await send(house, '/api/users2')).status).toBe(404);
  });

  it('is no way in for a second request in the first one’s body', async () => {
    const house = await openHouse({ auth: mirror });
    const inner = 'GET /api/secrets HTTP/1.1\r\nhost: x\r\n\r\n';
    const both = `POST /api/users HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${inner}`;
    expect(await sendBytes(house, both)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('what is not there', () => {
  it('is a 404 problem', async () => {
    const house = await openHouse();
    const reply = await send(house, '/api/nothing', { 'x-request-id': 'r1' });
    expect(reply).toMatchObject({
      status: 404,
      headers: { 'content-type': 'application/problem+json; charset=utf-8', 'x-request-id': 'r1' },
    });
    expect(JSON.parse(reply.body)).toEqual({
      type: 'urn:lineclear:problem:not_found',
      title: 'Not found',
      status: 404,
      detail: 'there is nothing at this path',
      code: 'not_found',
      request_id: 'r1',
    });
  });

  it('is a 503 problem when it is a service, and works again when the service is back', async () => {
    const origin = await nowhere();
    const house = await openHouse({ approvals: origin });
    for (const method of ['GET', 'POST']) {
      const reply = await send(
        house,
        '/api/approvals/requests',
        {},
        method,
        method === 'POST' ? '{}' : undefined,
      );
      expect(reply).toMatchObject({
        status: 503,
        headers: { 'retry-after': '2', 'content-type': 'application/problem+json; charset=utf-8' },
      });
      expect(reply.body).not.toContain('127.0.0.1');
    }
    const back = Fastify();
    back.get('/api/approvals/requests', () => 'back');
    await back.listen({ host: '127.0.0.1', port: Number(new URL(origin).port) });
    expect(await send(house, '/api/approvals/requests')).toMatchObject({ status: 200, body: 'back' });
    await back.close();
  });

  it('is a 502 problem when the service breaks off, and the request is sent once', async () => {
    let asked = 0;
    const house = await openHouse({
      auth: (req) => {
        asked++;
        req.socket.destroy();
      },
    });
    for (const method of ['POST', 'GET'])
      expect(await send(house, '/api/users', {}, method)).toMatchObject({ status: 502 });
    expect(asked).toBe(2);
  });

  it('is a 504 problem when the service does not begin to answer', async () => {
    const house = await openHouse({ auth: () => undefined }, 50);
    expect(await send(house, '/api/users', {}, 'POST', '{}')).toMatchObject({
      status: 504,
      headers: { 'retry-after': '10' },
    });
  });

  it('is never half an answer that looks whole', async () => {
    const house = await openHouse({
      auth: (_, res) => {
        res.write('half');
        setImmediate(() => res.socket?.destroy());
      },
    });
    await expect(send(house, '/api/users')).rejects.toThrow('aborted');
  });
});
