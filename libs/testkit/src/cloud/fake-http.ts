import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a call goes wrong: an error answer; no answer ever; the work is done and the connection then breaks; or it breaks before. */
export type HttpFault =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  | 'hang'
  | 'lose the answer'
  | 'break before';

/** A request that a fake answers. */
export interface FakeRequest {
  readonly method: string;
  /** The parts of the path, decoded. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Parsed, where it is JSON; undefined where there is none. */
  readonly body: unknown;
  readonly raw: string;
}

/** An answer: a string goes out as it is, anything else as JSON. `keepOpen` leaves the answer without an end, as streams do. */
export interface FakeAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly keepOpen?: boolean;
}

/** One of the calls that a fake knows: who it is for, and what it does. */
export interface FakeRoute<Call extends string> {
  readonly call: Call;
  readonly answer: () => FakeAnswer;
}

export interface FakeHttp<Call extends string> {
  readonly url: string;
  /** How often each call was made, the failing ones too. */
  readonly calls: Readonly<Record<string, number>>;
  /** The next `times` calls of this kind go wrong. */
  failNext(call: Call, fault: HttpFault, times?: number): void;
  /** No call goes wrong any more. */
  mend(): void;
  close(): Promise<void>;
}

export interface FakeHttpOptions<Call extends string> {
  /** Which call a request is; undefined for none that the service has, which is answered with 404. */
  readonly route: (request: FakeRequest) => FakeRoute<Call> | undefined;
  /** Whether the request carries the credential; one that does not is answered with 401. */
  readonly isAllowed: (request: FakeRequest) => boolean;
}

/** Starts a real HTTP server on 127.0.0.1 that answers as a provider would, and can fail as one does. */
export async function startFakeHttp<Call extends string>({
  route,
  isAllowed,
}: FakeHttpOptions<Call>): Promise<FakeHttp<Call>> {
  const calls: Record<string, number> = {};
  const faults = new Map<Call, HttpFault[]>();

  const handle = (incoming: IncomingMessage, response: ServerResponse, raw: string): void => {
    const request = requestOf(incoming, raw);
    const found = route(request);
    if (!found) return send(response, { status: 404, body: { error: 'no such path' } });
    calls[found.call] = (calls[found.call] ?? 0) + 1;
    const fault = faults.get(found.call)?.shift();
    if (fault === 'break before') return void incoming.socket.destroy();
    if (typeof fault === 'object') return send(response, { body: { error: 'told to fail' }, ...fault });
    if (!isAllowed(request)) return send(response, { status: 401, body: { error: 'who is it?' } });
    const answer = found.answer();
    if (fault === 'lose the answer') return void incoming.socket.destroy();
    if (fault !== 'hang') send(response, answer);
  };

  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => handle(incoming, response, Buffer.concat(chunks).toString('utf8')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    failNext(call, fault, times = 1) {
      faults.set(call, [...(faults.get(call) ?? []), ...Array.from({ length: times }, () => fault)]);
    },
    mend: () => faults.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function requestOf({ method = 'GET', url = '/', headers }: IncomingMessage, raw: string): FakeRequest {
  const { pathname, searchParams } = new URL(url, 'http://fake');
  let body: unknown;
  try {
    body = raw === '' ? undefined : JSON.parse(raw);
  } catch {
    body = undefined;
  }
  const path = pathname.split('/').filter(Boolean).map(decodeURIComponent);
  return { method, path, query: searchParams, headers, body, raw };
}

function send(response: ServerResponse, { status, body, headers, keepOpen = false }: FakeAnswer): void {
  const text = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
    ...headers,
  });
  if (keepOpen) response.write(text);
  else response.end(text);
}
