import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly body: unknown;
}

/** A server that answers as a gateway may, well or badly. */
export interface FakeGateway {
  readonly url: string;
  readonly asked: Asked[];
  readonly close: () => Promise<void>;
}

type Answer = readonly [status: number, body: unknown, headers?: Readonly<Record<string, string>>];

export async function fakeGateway(
  answer: (asked: Asked) => Answer | 'no answer' | 'hang up',
): Promise<FakeGateway> {
  const asked: Asked[] = [];
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const one: Asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      key: request.headers.authorization,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
    asked.push(one);
    const given = answer(one);
    if (given === 'no answer') return;
    if (given === 'hang up') return void request.socket.destroy();
    const [status, body, headers = {}] = given;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }
  const server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
