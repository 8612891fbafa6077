import { createHmac } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** A JWT that Dovecot takes as long as it was signed with its key and has not ended. */
export function tokenFor(user: string, key: string, seconds = 3_600): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { sub: user, email: user, iat: now - 7_200, nbf: now - 7_200, exp: now + seconds };
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

/** A token server over HTTP, which answers as a test says. */
export interface TokenServer {
  readonly url: string;
  readonly asked: Record<string, string>[];
  answer: (res: ServerResponse, form: Record<string, string>) => void;
  close(): Promise<void>;
}

export const give =
  (body: unknown, status = 200): TokenServer['answer'] =>
  (res) =>
    void res.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));

export async function startTokenServer(): Promise<TokenServer> {
  const asked: Record<string, string>[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      asked.push(form);
      tokens.answer(res, form);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const tokens: TokenServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    asked,
    answer: give({}, 500),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return tokens;
}
