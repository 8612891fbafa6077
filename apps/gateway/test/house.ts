import { once } from 'node:events';
import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { freePort } from '@lineclear/servers';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { buildApp, type Options } from '../src/app.js';
import { SERVICES, type Service } from '../src/routes.js';

type Services = Partial<Record<Service, RequestListener | string>>;

export interface House {
  readonly app: FastifyInstance;
  readonly origin: string;
  readonly port: number;
}

export async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port that nobody listens on, and that no server gets who asks for any. */
export const nowhere = async (): Promise<string> => `http://127.0.0.1:${await freePort()}`;

/** A gateway before real servers; a service that is not given says its own name. */
export async function openHouse(
  services: Services = {},
  answerTimeoutMs = 30_000,
  more: Partial<Options> = {},
): Promise<House> {
  const opened: Server[] = [];
  const entries = SERVICES.map(async (service) => {
    const given = services[service];
    if (typeof given === 'string') return [service, given] as const;
    const server = createServer(given ?? ((_, res) => res.end(service)));
    opened.push(server);
    return [service, await listen(server)] as const;
  });
  const origins = Object.fromEntries(await Promise.all(entries)) as Record<Service, string>;
  const app = buildApp({
    origins,
    metricsPublic: false,
    version: '9.9.9',
    publicUrl: 'http://127.0.0.1:8080',
    log: pino({ level: 'silent' }),
    answerTimeoutMs,
    ...more,
  });
  onTestFinished(async () => {
    await app.close();
    for (const server of opened) server.closeAllConnections();
    for (const server of opened) server.close();
  });
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  return { app, origin, port: Number(new URL(origin).port) };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export async function replyTo(response: IncomingMessage): Promise<Reply> {
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

/** Sends the path as it is: fetch and URL would tidy it first. */
export async function send(
  house: House,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body?: string,
): Promise<Reply> {
  const out = request({ host: '127.0.0.1', port: house.port, path, method, headers, agent: false });
  out.end(body);
  const [response] = (await once(out, 'response')) as [IncomingMessage];
  return replyTo(response);
}

/** Writes bytes to the socket and reads until the other side ends. */
export async function sendBytes(house: House, bytes: string): Promise<string> {
  const socket = connect(house.port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

export const json =
  (body: unknown, status = 200): RequestListener =>
  (_, res) => {
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end(JSON.stringify(body));
  };
