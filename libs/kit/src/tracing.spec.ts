import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { SpanKind } from '@opentelemetry/api';
import { expect, it } from 'vitest';
import { currentTraceparent, inSpan, startTracing } from './tracing.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

it('hands trace ids on without an exporter, and continues what came in', async () => {
  const stop = startTracing('test', undefined);
  try {
    expect(currentTraceparent()).toBeUndefined();
    const inner = await inSpan('outer', { kind: SpanKind.SERVER, traceparent: PARENT }, () =>
      inSpan('inner', { kind: SpanKind.INTERNAL }, async () => currentTraceparent()),
    );
    expect(inner).toContain(TRACE);
    expect(inner).not.toBe(PARENT);
    const fresh = await inSpan('fresh', { kind: SpanKind.SERVER, traceparent: 'nonsense' }, async () =>
      currentTraceparent(),
    );
    expect(fresh).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  } finally {
    await stop();
  }
});

it('does not keep a service from stopping that the collector is silent', async () => {
  let asked: Socket | undefined;
  const collector = createServer(({ socket }) => void (asked = socket));
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const stop = startTracing('test', `http://127.0.0.1:${(collector.address() as AddressInfo).port}`);
  await inSpan('a step of work', { kind: SpanKind.CONSUMER, traceparent: PARENT }, async () => undefined);
  await stop();
  // Still waiting for an answer, which the exporter does for ten seconds.
  expect(asked?.closed).toBe(false);
  collector.closeAllConnections();
  collector.close();
});

it('sends spans over OTLP where an endpoint is configured', async () => {
  const bodies: { url: string | undefined; body: Buffer }[] = [];
  const collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push({ url: request.url, body: Buffer.concat(chunks) });
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const stop = startTracing('exporter-test', `http://127.0.0.1:${(collector.address() as AddressInfo).port}`);
  await inSpan('a step of work', { kind: SpanKind.CONSUMER, traceparent: PARENT }, async () => undefined);
  await stop();
  collector.close();
  expect(bodies.map(({ url }) => url)).toEqual(['/v1/traces']);
  const sent = bodies[0]!.body;
  expect(
    sent.includes('a step of work') &&
      sent.includes('lineclear-exporter-test') &&
      sent.includes(Buffer.from(TRACE, 'hex')),
  ).toBe(true);
});
