import type { RequestListener } from 'node:http';
import { describe, expect, it, vi } from 'vitest';
import { json, nowhere, openHouse, send, sendBytes } from './house.js';

const well = json({
  status: 'healthy',
  components: [{ name: 'postgres', status: 'healthy', latency_ms: 1 }],
});
const all = (answer: RequestListener) => ({
  auth: answer,
  secrets: answer,
  approvals: answer,
  'queue-scheduler': answer,
  notifier: answer,
  'job-poller': answer,
});
const parse = (body: string) => JSON.parse(body) as Record<string, unknown>;

describe('health', () => {
  it('is of the front door alone for live and ready', async () => {
    const gone = await nowhere();
    const house = await openHouse({ auth: gone, 'queue-scheduler': gone });
    expect(parse((await send(house, '/health/live')).body)).toEqual({ status: 'ok' });
    expect(parse((await send(house, '/api/cloud/health/live')).body)).toEqual({ status: 'ok' });
    expect(parse((await send(house, '/health/ready')).body)).toEqual({ status: 'ready' });
  });

  it.each(['/health', '/api/cloud/health'])('%s is healthy with all services', async (path) => {
    const house = await openHouse(all(well));
    const reply = await send(house, path);
    expect(reply).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    expect(parse(reply.body)).toMatchObject({
      status: 'healthy',
      version: '9.9.9',
      uptime_seconds: expect.any(Number) as number,
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
    const names = (parse(reply.body)['components'] as { name: string }[]).map(({ name }) => name);
    expect(names).toHaveLength(12);
    expect(names.slice(0, 2)).toEqual(['auth', 'auth/postgres']);
    expect(await send(house, '/api/cloud/health/ready')).toMatchObject({
      status: 200,
      body: '{"status":"ready"}',
    });
  });

  it('is degraded, and still 200, without a service that only delays', async () => {
    const house = await openHouse({
      ...all(well),
      notifier: await nowhere(),
      secrets: json({ oops: 1 }, 500),
    });
    const reply = await send(house, '/api/cloud/health');
    expect(reply.status).toBe(200);
    const body = parse(reply.body);
    expect(body['status']).toBe('degraded');
    expect(body['components']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'notifier', status: 'unhealthy', message: 'refused the connection' }),
        expect.objectContaining({
          name: 'secrets',
          status: 'unhealthy',
          message: 'answered 500 and no health report',
        }),
      ]),
    );
    expect(await send(house, '/api/cloud/health/ready')).toMatchObject({ status: 200 });
  });

  it('is unhealthy, a 503, when an essential service is or does not answer in time', async () => {
    const house = await openHouse({
      ...all(well),
      auth: json({ status: 'unhealthy', components: [] }, 503),
      approvals: () => undefined,
    });
    const [reply, ready] = await Promise.all([
      send(house, '/api/cloud/health'),
      send(house, '/api/cloud/health/ready'),
    ]);
    expect(ready).toMatchObject({ status: 503, body: '{"status":"not_ready"}' });
    expect(reply.status).toBe(503);
    expect(parse(reply.body)).toMatchObject({ status: 'unhealthy' });
    expect(parse(reply.body)['components']).toContainEqual(
      expect.objectContaining({ name: 'approvals', message: 'did not answer in time' }),
    );
  });
});

describe('the documents', () => {
  it('are merged, with the services that are down named', async () => {
    const own = (name: string, path: string) =>
      json({ paths: { [path]: {} }, components: { schemas: { Error: { const: name }, Same: {} } } });
    const asked = vi.fn<RequestListener>(own('auth', '/api/users'));
    const house = await openHouse({
      auth: asked,
      secrets: own('secrets', '/api/secrets'),
      approvals: await nowhere(),
      'queue-scheduler': json({}, 404),
      notifier: (_, res) => void res.end('<html>'),
      'job-poller': own('job-poller', '/api/webhooks/{provider}'),
    });
    const reply = await send(house, '/api/docs/openapi.json');
    const document = parse(reply.body) as {
      paths: object;
      components: { schemas: object };
      'x-lineclear-missing': string[];
    };
    expect(Object.keys(document.paths)).toEqual([
      '/api/cloud/health',
      '/api/cloud/health/live',
      '/api/cloud/health/ready',
      '/api/secrets',
      '/api/users',
      '/api/webhooks/{provider}',
    ]);
    expect(Object.keys(document.components.schemas).sort()).toEqual([
      'Same',
      'auth.Error',
      'job-poller.Error',
      'secrets.Error',
    ]);
    expect(document['x-lineclear-missing']).toEqual(['approvals', 'queue-scheduler', 'notifier']);
    expect((await send(house, '/api/docs/openapi.json')).body).toBe(reply.body);
    expect(asked).toHaveBeenCalledOnce();
  });

  it('are shown by a page whose parts all come from here', async () => {
    const house = await openHouse();
    const page = await send(house, '/api/docs');
    expect(page.headers['content-security-policy']).toContain("script-src 'self';");
    expect(page.body).not.toMatch(/https?:|<script>|style=/);
    const parts = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] as string);
    expect(parts).toHaveLength(4);
    for (const part of parts) expect([part, (await send(house, part)).status]).toEqual([part, 200]);
    for (const hidden of ['package.json', 'swagger-initializer.js', 'index.html', ''])
      expect(await send(house, `/api/docs/assets/${hidden}`)).toMatchObject({ status: 404 });
  });
});

describe('the gateway’s own', () => {
  it('metrics count requests, and are for this machine only', async () => {
    const house = await openHouse({ approvals: await nowhere() });
    await send(house, '/api/users');
    await send(house, '/api/approvals');
    await vi.waitFor(async () => {
      const { body } = await send(house, '/metrics');
      expect(body).toContain(
        'lineclear_gateway_requests_total{upstream="auth",status="2xx",service="gateway"} 1',
      );
      expect(body).toContain(
        'lineclear_gateway_requests_total{upstream="approvals",status="5xx",service="gateway"} 1',
      );
      expect(body).toContain('lineclear_gateway_request_seconds_count{service="gateway",upstream="auth"} 1');
    });
    expect(await send(house, '/metrics', { 'x-forwarded-for': '10.0.0.1' })).toMatchObject({ status: 403 });
  });

  it.each([
    ['bytes that are not HTTP', 'hello\r\n\r\n', 400],
    ['headers that are too large', `GET / HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['a Host that is none', 'GET /api/users HTTP/1.1\r\nhost: a b/c\r\nconnection: close\r\n\r\n', 400],
    [
      'broken JSON on a page without a body',
      'POST /api/docs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n{',
      400,
    ],
  ])('answer to %s is a problem too', async (_, bytes, status) => {
    const house = await openHouse();
    const answer = await sendBytes(house, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('application/problem+json');
  });
});
