// A service of the smallest kind, for tests of the launcher: tells its environment, and ends when it is asked to.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

if (process.env.FAKE_REFUSES) {
  console.error(process.env.FAKE_REFUSES);
  process.exit(3);
}

const file = join(process.env.LINECLEAR_HOME, 'fake-auth.json');
const users = () => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {});

const routes = {
  'GET /health/ready': () => ({ status: 'ok' }),
  'GET /env': () => process.env,
  'GET /api/auth/setup/status': () => ({ needs_setup: !existsSync(file) }),
  'POST /api/auth/setup/first-admin': ({ email, username, password }) => {
    if (existsSync(file)) return undefined;
    writeFileSync(file, JSON.stringify({ email, username, password }));
    return { id: 'u1' };
  },
  'POST /api/auth/login': ({ username, password }) =>
    users().username === username && users().password === password
      ? { user: {}, csrf_token: 'csrf' }
      : undefined,
  'POST /api/auth/api-keys': ({ name }, headers) =>
    headers.cookie === 'session=s1' && headers['x-csrf-token'] === 'csrf'
      ? { key: `lc_${name}`, key_info: {} }
      : undefined,
};

const server = createServer((request, response) => void answer(request, response));

async function answer(request, response) {
  const parts = await request.toArray();
  const body = parts.length > 0 ? JSON.parse(Buffer.concat(parts).toString()) : {};
  const result = routes[`${request.method} ${request.url}`]?.(body, request.headers);
  if (request.url.endsWith('/login')) response.setHeader('set-cookie', 'session=s1; HttpOnly; Path=/');
  response
    .writeHead(result === undefined ? 404 : 200, { 'content-type': 'application/json' })
    .end(JSON.stringify(result ?? {}));
}

server.listen(Number(process.env.PORT), process.env.HOST, () =>
  console.log(`${process.env.FAKE_NAME} listens`),
);
process.once('SIGTERM', () => {
  console.log(`${process.env.FAKE_NAME} ends`);
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
