/** An answer with its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests look into bodies of every shape; each reads what it asserts on.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

type Send = (path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
type Fetch = (path: string, headers?: Record<string, string>) => Promise<Answer>;
type Remove = (path: string, headers?: Record<string, string>, body?: unknown) => Promise<Answer>;
export interface Client {
  readonly get: Fetch;
  readonly post: Send;
  readonly put: Send;
  readonly patch: Send;
  readonly delete: Remove;
}

/** A client of one base URL, with a token if there is one. A string or bytes as body are sent as they are. */
export function client(baseUrl: string, token?: string): Client {
  const send = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(new URL(path, baseUrl), {
      method,
      redirect: 'manual',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: (raw ? body : JSON.stringify(body)) as NonNullable<RequestInit['body']> }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parsed(text) };
  };
  return {
    get: (path, headers) => send('GET', path, undefined, headers),
    post: (path, body, headers) => send('POST', path, body, headers),
    put: (path, body, headers) => send('PUT', path, body, headers),
    patch: (path, body, headers) => send('PATCH', path, body, headers),
    delete: (path, headers, body) => send('DELETE', path, body, headers),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
