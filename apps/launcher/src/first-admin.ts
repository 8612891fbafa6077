import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { readIfThere, writePrivate } from './home.js';

const USERNAME = 'admin';
// A name that no mail server will ever deliver to; the admin sets the real one.
const EMAIL = 'admin@lineclear.localhost';

const Status = z.object({ needs_setup: z.boolean() });
const Login = z.object({ csrf_token: z.string().min(1) });
const NewKey = z.object({ key: z.string().min(1) });

/**
 * Creates the first admin and an API key for it when this home has none, through auth's own API. Each step can be the last
 * one before a crash: the password is on disk before the account exists, and the key is asked for until it is.
 * @returns the key; undefined when the users were made by somebody else
 */
export async function firstAdmin(authUrl: string, home: string): Promise<string | undefined> {
  const keyFile = join(home, 'admin.key');
  const passwordFile = join(home, 'admin.password');
  const known = readIfThere(keyFile);
  if (known !== undefined) return known;
  const { needs_setup } = Status.parse((await ask(`${authUrl}/api/auth/setup/status`)).body);
  if (needs_setup) {
    const password = readIfThere(passwordFile) ?? randomBytes(18).toString('base64url');
    writePrivate(passwordFile, `${password}\n`);
    await ask(`${authUrl}/api/auth/setup/first-admin`, { email: EMAIL, username: USERNAME, password });
  }
  const password = readIfThere(passwordFile);
  if (password === undefined) return undefined;
  const login = await ask(`${authUrl}/api/auth/login`, { username: USERNAME, password });
  const made = await ask(
    `${authUrl}/api/auth/api-keys`,
    { name: 'npm start' },
    {
      cookie: login.cookie,
      'x-csrf-token': Login.parse(login.body).csrf_token,
    },
  );
  const { key } = NewKey.parse(made.body);
  writePrivate(keyFile, `${key}\n`);
  return key;
}

async function ask(
  url: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<{ body: unknown; cookie: string }> {
  const response = await fetch(url, {
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await response.text();
  if (!response.ok)
    throw new Error(`${new URL(url).pathname} answered ${response.status}: ${text.slice(0, 300)}`);
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  return { body: JSON.parse(text), cookie };
}
