import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A provider that tells whose a credential is, as Replicate's `GET /v1/account` does. */
export interface FakeWhoami {
  readonly url: string;
  /** The `Authorization` of each call, oldest first. */
  readonly seen: readonly string[];
  /** It takes these credentials from now on, and no others. */
  takes(...values: string[]): void;
  /** It answers nothing that is of use. */
  fails(): void;
  /** It sends callers elsewhere: to itself, where everything is taken. */
  redirects(): void;
  close(): Promise<void>;
}

export async function startWhoami(): Promise<FakeWhoami> {
  let taken: string[] = [];
  let mode: 'answers' | 'fails' | 'redirects' = 'answers';
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const said = request.headers.authorization ?? '';
    seen.push(said);
    const answer = (status: number, body: object, more: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...more });
      response.end(JSON.stringify(body));
    };
    if (request.url === '/elsewhere') return answer(200, { username: 'anybody' });
    if (mode === 'fails') return answer(500, { detail: `no, ${said}` });
    if (mode === 'redirects') return answer(302, {}, { location: '/elsewhere' });
    if (request.method !== 'GET' || request.url !== '/v1/account') return answer(404, {});
    if (!taken.some((value) => said === `Bearer ${value}`)) return answer(401, { detail: 'Unauthenticated' });
    return answer(200, { type: 'user', username: 'ada', name: 'Ada' });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    takes(...values) {
      taken = values;
      mode = 'answers';
    },
    fails: () => void (mode = 'fails'),
    redirects: () => void (mode = 'redirects'),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
