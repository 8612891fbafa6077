import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { client, type Answer, type Client } from '@lineclear/testkit';
import { Webhook } from 'standardwebhooks';
import { expect } from 'vitest';

/** Fails the test with what was answered, unless the status is the one that was expected. */
export function ok(answer: Answer, status = 200): Answer['body'] {
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  return answer.body;
}

/** Makes a user and an API key of theirs, as they would themselves: a login, then a key. */
export async function person(
  url: string,
  admin: Client,
  username: string,
  level: string,
): Promise<Client & { key: string }> {
  const password = randomBytes(18).toString('base64url');
  ok(
    await admin.post('/api/users', {
      username,
      email: `${username}@lineclear.test`,
      password,
      level_names: [level],
    }),
    201,
  );
  const login = await client(url).post('/api/auth/login', { username, password });
  const { csrf_token } = ok(login);
  const cookie = login.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const { key } = ok(
    await client(url).post('/api/auth/api-keys', { name: 'test' }, { cookie, 'x-csrf-token': csrf_token }),
    201,
  );
  return { ...client(url, key), key };
}

export interface Hook {
  readonly type: string;
  readonly data: { readonly job_id?: string };
}

/** A receiver of webhooks that keeps those whose signature is right and refuses the others. */
export async function receiveWebhooks(
  secret: string,
): Promise<{ url: string; received: Hook[]; refused: () => number; close(): Promise<void> }> {
  const verifier = new Webhook(secret);
  const received: Hook[] = [];
  let refused = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      try {
        received.push(
          verifier.verify(
            Buffer.concat(chunks).toString('utf8'),
            request.headers as Record<string, string>,
          ) as Hook,
        );
        response.writeHead(204).end();
      } catch {
        refused += 1;
        response.writeHead(400).end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    refused: () => refused,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The least that a mail server can be: it takes every mail, and keeps it with its soft line breaks undone. */
export async function receiveMails(): Promise<{ port: number; mails: string[]; close(): Promise<void> }> {
  const mails: string[] = [];
  const server = createTcpServer((socket) => {
    let lines: string[] | undefined;
    const say = (text: string): void => void socket.write(`${text}\r\n`);
    socket.on('error', () => undefined);
    const input = createInterface({ input: socket });
    // It tells of the socket's errors too, such as the end of a sender that is killed.
    input.on('error', () => undefined);
    input.on('line', (line) => {
      if (lines === undefined) {
        if (line === 'DATA') lines = [];
        return say(lines ? '354 go on' : '250 fine');
      }
      if (line !== '.') return void lines.push(line);
      mails.push(lines.join('\n').replaceAll('=\n', ''));
      lines = undefined;
      say('250 taken');
    });
    say('220 here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
