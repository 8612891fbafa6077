// The compose project of the test: its commands, each with an end in time, and its people.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TAIL_CHARS = 4_000;

/** Runs a program to its end. Fails with what it printed last. */
function run(file, args, { env, timeoutMs }) {
  return new Promise((resolve, reject) => {
    const options = { cwd: ROOT, env, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 64 * 2 ** 20 };
    execFile(file, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const why = error.killed ? `took longer than ${timeoutMs / 1000} s` : `code ${error.code}`;
      const said = `${stdout}\n${stderr}`.trim().slice(-TAIL_CHARS);
      reject(new Error(`${file} ${args.join(' ').slice(0, 120)}: ${why}\n${said}`));
    });
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Asks until there is an answer that counts; an error counts as none yet. */
export async function until(what, deadlineMs, look) {
  const end = performance.now() + deadlineMs;
  let last;
  while (performance.now() < end) {
    try {
      const found = await look();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    await pause(300);
  }
  throw new Error(`waited ${deadlineMs / 1000} s for ${what}`, { cause: last });
}

/** @returns the commands of one compose project whose passwords are in `secretsDir` */
export async function composeProject(secretsDir) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ...process.env,
    COMPOSE_PROJECT_NAME: 'lineclear-test',
    COMPOSE_FILE: [`${ROOT}docker-compose.yml`, `${ROOT}tests/compose/compose.test.yml`].join(':'),
    // More at once only makes each slower.
    COMPOSE_PARALLEL_LIMIT: '3',
    LINECLEAR_VERSION: 'test',
    LINECLEAR_SECRETS_DIR: secretsDir,
    PORT: String(port),
    PUBLIC_URL: url,
  };
  const script = (name, timeoutMs = 60_000) => run(`${ROOT}deploy/docker/${name}`, [], { env, timeoutMs });
  const docker = (args, timeoutMs = 30_000) => run('docker', args, { env, timeoutMs });
  const compose = (args, timeoutMs = 60_000) => docker(['compose', ...args], timeoutMs);
  /** Runs JavaScript inside a service's container, as the service's own user. */
  const inside = (service, code) => compose(['exec', '-T', service, 'node', '-e', code]);
  const logs = async (...services) => {
    const text = await compose(['logs', '--no-log-prefix', '--no-color', ...services]);
    // compose clears the line before each, also where there is no terminal.
    return text.replaceAll('\u001b[2K', '').split('\n').filter(Boolean);
  };
  const containers = async () => {
    const ids = (await compose(['ps', '-aq'])).trim().split('\n');
    return JSON.parse(await docker(['inspect', ...ids])).map((container) => ({
      ...container,
      service: container.Config.Labels['com.docker.compose.service'],
    }));
  };
  return { url, script, compose, inside, logs, containers };
}

/** Calls the API and gives the body back; fails unless the status is one of those expected. */
export function caller(url, token) {
  return async (method, path, body, expected = [200, 201, 202]) => {
    const response = await fetch(new URL(path, url), {
      method,
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    const answer = await response.json();
    if (!expected.includes(response.status))
      throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };
}

/** Makes a user and an API key of theirs, as they would themselves. */
export async function person(url, admin, username, level) {
  const password = randomBytes(18).toString('base64url');
  const email = `${username}@lineclear.test`;
  await admin('POST', '/api/users', { username, email, password, level_names: [level] });
  const post = (path, body, headers) =>
    fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
  const login = await post('/api/auth/login', { username, password });
  const { csrf_token } = await login.json();
  const cookie = login.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const key = await post('/api/auth/api-keys', { name: 'test' }, { cookie, 'x-csrf-token': csrf_token });
  return caller(url, (await key.json()).key);
}
