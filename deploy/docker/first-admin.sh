#!/bin/sh
# Makes the first user of a new house, an admin, and prints an API key of theirs: once, it is stored nowhere.
#   deploy/docker/first-admin.sh [username] [email]
# Only a caller on auth's own machine may do this, so it is done inside its container. The arguments of `docker compose`
# that name another project or other files go into COMPOSE_PROJECT_NAME and COMPOSE_FILE.
set -eu
cd "$(dirname "$0")/../.."
exec docker compose exec -T auth node --input-type=module - "${1:-admin}" "${2:-admin@lineclear.localhost}" <<'EOJ'
import { randomBytes } from 'node:crypto';

const [username, email] = process.argv.slice(2);
const password = randomBytes(18).toString('base64url');

async function ask(path, body, headers) {
  const response = await fetch(`http://127.0.0.1:${process.env.PORT}${path}`, {
    headers: { 'content-type': 'application/json', ...headers },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`);
  return { answer, cookie: response.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ') };
}

try {
  const { answer: status } = await ask('/api/auth/setup/status');
  if (!status.needs_setup) throw new Error('this house has users already: its admins can make more, and keys');
  await ask('/api/auth/setup/first-admin', { username, email, password });
  const login = await ask('/api/auth/login', { username, password });
  const { answer: made } = await ask(
    '/api/auth/api-keys',
    { name: 'first admin' },
    { cookie: login.cookie, 'x-csrf-token': login.answer.csrf_token },
  );
  console.error(`user ${username}, password ${password}, and on the next line the API key: none of it can be shown again`);
  console.log(made.key);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
EOJ
