import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { Controller, Get, Module, Post, SetMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configFile } from './config-file.js';
import { createHttpAdapter, prepareHttp } from './http.js';
import { HTTP_LIMITS, type HttpLimits } from './http-limits.js';
import { createLogger } from './logger.js';
import { Metrics } from './metrics.js';
import { ACCESS } from './openapi.js';
import { ProblemFilter } from './problem.js';

const Open = () => SetMetadata(ACCESS, { public: true });

@Controller('api/things')
class Things {
  @Get()
  @Open()
  get(): object {
    return { there: true };
  }

  @Post()
  @Open()
  make(): object {
    return { made: true };
  }
}
@Module({ controllers: [Things] })
class ThingsModule {}

const HEAD = 'HTTP/1.1\r\nhost: x\r\nconnection: close\r\n';
const apps: NestFastifyApplication[] = [];
let port: number;
/** Of a server that waits for nobody for long. */
let hastyPort: number;

beforeAll(async () => {
  port = await open(HTTP_LIMITS);
  hastyPort = await open({ ...HTTP_LIMITS, headersMs: 100, requestMs: 200, lookEveryMs: 20 });
});
afterAll(async () => {
  for (const app of apps) await app.close();
});

async function open(limits: HttpLimits): Promise<number> {
  const { network } = configFile.parse({});
  const log = createLogger({ name: 'things', format: 'json', level: 'silent' });
  const app = await NestFactory.create<NestFastifyApplication>(
    ThingsModule,
    createHttpAdapter(network, 'http://127.0.0.1', limits),
    { bodyParser: false, logger: false },
  );
  prepareHttp(app, new Metrics('things'), log);
  app.useGlobalFilters(new ProblemFilter(log));
  await app.listen(0, '127.0.0.1');
  apps.push(app);
  return Number(new URL(await app.getUrl()).port);
}

/** Writes bytes to the socket and reads until the other side ends. */
async function sendBytes(bytes: string, to = port): Promise<string> {
  const socket = connect(to, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}
const lines = (count: number, value = 'x'): string =>
  Array.from({ length: count }, (_, n) => `x-${n}: ${value}\r\n`).join('');

it.each([
  ['too large', lines(25, 'x'.repeat(1_000))],
  ['too many', lines(HTTP_LIMITS.headers)],
  ['far too many', lines(1_500)],
])('refuses headers that are %s', async (_, headers) => {
  const answer = await sendBytes(`GET /api/things ${HEAD}${headers}\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  expect(answer).toContain('content-type: application/problem+json');
  expect(answer).toMatch(/x-content-type-options: nosniff/i);
  expect(answer).toContain('"code":"header_too_large"');
});

it('takes as many as it says', async () => {
  expect(await sendBytes(`GET /api/things ${HEAD}${lines(HTTP_LIMITS.headers - 2)}\r\n`)).toContain(
    '{"there":true}',
  );
});

it.each([
  ['says nothing', ''],
  ['does not end its headers', 'GET /api/things HTTP/1.1\r\nhost: x\r\nx-slow: '],
  ['does not send its body', 'POST /api/things HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{'],
])('lets nobody hold a connection who %s', async (_, bytes) => {
  const answer = await sendBytes(bytes, hastyPort);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(answer).toContain('"code":"timed_out"');
});

it('answers what is no HTTP with a problem', async () => {
  const answer = await sendBytes('hello\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain('content-type: application/problem+json');
});

it('refuses a body of 10 MB, of a told length and in chunks', async () => {
  const body = ' '.repeat(10 * 2 ** 20);
  for (const framed of [
    `content-length: ${body.length}\r\n\r\n${body}`,
    `transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  ]) {
    const answer = await sendBytes(`POST /api/things ${HEAD}content-type: application/json\r\n${framed}`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('content-type: application/problem+json');
  }
});
