import { once } from 'node:events';
import { request, type IncomingMessage, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import Fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { openHouse, replyTo, send, type House } from './house.js';

const connectionsOf = ({ app }: House): Promise<number> =>
  new Promise((resolve) => app.server.getConnections((_, count) => resolve(count)));

describe('an upload', () => {
  it.each([
    ['of a told length', { 'content-length': String(11 * 2 ** 20) }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
    ['that asks first', { 'content-length': String(11 * 2 ** 20), expect: '100-continue' }],
  ])('%s that is too large brings the service’s 413 back', async (_, headers) => {
    const service = Fastify({ bodyLimit: 2 ** 20 });
    service.post('/api/cloud/local/submit', () => 'taken');
    const origin = await service.listen({ host: '127.0.0.1', port: 0 });
    const house = await openHouse({ 'queue-scheduler': origin });
    for (let i = 0; i < 5; i++) {
      const out = request({
        port: house.port,
        path: '/api/cloud/local/submit',
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
      });
      const answered = once(out, 'response') as Promise<[IncomingMessage]>;
      out.flushHeaders();
      out.end(Buffer.alloc(11 * 2 ** 20, ' '));
      const [response] = await answered;
      expect(await replyTo(response)).toMatchObject({ status: 413 });
    }
    await service.close();
  });
});

describe('a stream', () => {
  it('arrives event by event, with its headers at once', async () => {
    let say: (event: string) => void = () => undefined;
    let finish = () => undefined as void;
    const house = await openHouse({
      'queue-scheduler': (_, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
        say = (event) => res.write(`data: ${event}\n\n`);
        finish = () => void res.end();
      },
    });
    const response = await fetch(`${house.origin}/api/events`);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    for (const event of ['one', 'two']) {
      say(event);
      expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe(`data: ${event}\n\n`);
    }
    finish();
    expect((await reader.read()).done).toBe(true);
  });

  it.each(['/api/events', '/api/cloud/jobs/1/logs/stream', '/api/users'])(
    '%s ends at the service when the client leaves',
    async (path) => {
      const left = vi.fn<() => void>();
      const answer: RequestListener = (_, res) => {
        res.on('close', left);
        res.write('data: 1\n\n');
      };
      const house = await openHouse({ 'queue-scheduler': answer, 'job-poller': answer, auth: answer });
      const leaving = new AbortController();
      const response = await fetch(house.origin + path, { signal: leaving.signal });
      await (response.body as ReadableStream).getReader().read();
      expect(left).not.toHaveBeenCalled();
      leaving.abort();
      await vi.waitFor(() => expect(left).toHaveBeenCalledOnce());
    },
  );

  it('also ends when the client leaves before any answer', async () => {
    const asked = vi.fn<() => void>();
    const left = vi.fn<() => void>();
    const house = await openHouse({
      auth: (_, res) => {
        asked();
        res.on('close', left);
      },
    });
    const leaving = new AbortController();
    const answer = fetch(`${house.origin}/api/users`, { signal: leaving.signal });
    await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce());
    leaving.abort();
    await expect(answer).rejects.toThrow('aborted');
    await vi.waitFor(() => expect(left).toHaveBeenCalledOnce());
  });

  it('does not run ahead of a slow reader', async () => {
    let written = 0;
    const total = 64 * 2 ** 20;
    const house = await openHouse({
      auth: (_, res) => {
        const more = () => {
          while (written < total) {
            written += 2 ** 16;
            if (!res.write(Buffer.alloc(2 ** 16))) return;
          }
          res.end();
        };
        res.on('drain', more);
        more();
      },
    });
    const out = request({ port: house.port, path: '/api/users' }).end();
    const [response] = (await once(out, 'response')) as [IncomingMessage];
    let last = -1;
    await vi.waitFor(() => {
      const before = last;
      last = written;
      expect(written).toBe(before);
    });
    expect(written).toBeLessThan(total);
    expect((await buffer(response)).length).toBe(total);
  });

  it('that has not begun when the gateway stops is no empty success', async () => {
    const asked = vi.fn<() => void>();
    const house = await openHouse({ 'queue-scheduler': () => asked() });
    const events = send(house, '/api/events');
    await vi.waitFor(() => expect(asked).toHaveBeenCalledOnce());
    const closed = house.app.close();
    expect(await events).toMatchObject({
      status: 503,
      headers: {
        connection: 'close',
        'retry-after': '2',
        'content-type': 'application/problem+json; charset=utf-8',
      },
    });
    await closed;
  });

  it('that is asked for while the gateway stops is not begun', async () => {
    const asked = vi.fn<() => void>();
    let answer = () => undefined as void;
    const house = await openHouse({
      'queue-scheduler': () => asked(),
      auth: (_, res) => {
        answer = () => void res.end('done');
      },
    });
    const running = send(house, '/api/users');
    await vi.waitFor(() => expect(answer.toString()).toContain('done'));
    const late = connect(house.port, '127.0.0.1');
    // It takes the beginning of a request for the connection not to be idle, and closed.
    late.write('GET /api/events HTTP/1.1\r\n');
    await vi.waitFor(async () => expect(await connectionsOf(house)).toBe(2));
    const closed = house.app.close();
    await expect(fetch(house.origin)).rejects.toThrow('fetch failed');
    late.write('host: x\r\n\r\n');
    expect(await text(late)).toMatch(/^HTTP\/1\.1 503 /);
    expect(asked).not.toHaveBeenCalled();
    answer();
    await running;
    await closed;
  });

  it('is not needed for a connection to end when the gateway stops: one without a byte does too', async () => {
    const house = await openHouse({});
    const silent = connect(house.port, '127.0.0.1');
    await vi.waitFor(async () => expect(await connectionsOf(house)).toBe(1));
    await house.app.close();
    expect(await text(silent)).toBe('');
  });

  it('is ended when the gateway stops, while a request that runs is let end', async () => {
    let answer = () => undefined as void;
    const house = await openHouse({
      'queue-scheduler': (_, res) => void res.write('data: 1\n\n'),
      auth: (_, res) => {
        answer = () => void res.end('done');
      },
    });
    const events = await fetch(`${house.origin}/api/events`);
    const running = send(house, '/api/users');
    await vi.waitFor(() => expect(answer.toString()).toContain('done'));
    const closed = house.app.close();
    expect(await events.text()).toBe('data: 1\n\n');
    answer();
    expect(await running).toMatchObject({ status: 200, body: 'done', headers: { connection: 'close' } });
    await closed;
    await expect(fetch(house.origin)).rejects.toThrow('fetch failed');
  });
});
