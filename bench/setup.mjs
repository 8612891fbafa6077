import { writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fakeProviderConfig } from '@lineclear/testkit/fake-provider';

/** Limits that are counted as always, and never reached. */
export const LIMITS = {
  requests_per_minute_per_principal: 10_000_000,
  requests_per_minute_per_address: 10_000_000,
};

/**
 * The configuration of a house with two providers: the runs of `short` are over when they are first looked at, those of
 * `training` go on for longer than anything is measured, as training does.
 */
export function writeConfig(home, { short, training }) {
  const path = join(home, 'bench.yaml');
  writeFileSync(
    path,
    JSON.stringify({
      limits: LIMITS,
      providers: {
        short: fakeProviderConfig(short, { logs: undefined, poll_interval_seconds: 1 }),
        training: fakeProviderConfig(training, { logs: undefined, poll_interval_seconds: 300 }),
      },
    }),
  );
  return path;
}

/** Asks the house as the one whose key it is; anything but success is an error. */
export async function call(house, key, method, path, body) {
  const response = await fetch(new URL(path, house.url), {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (response.status >= 300)
    throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

/** Makes 100 rules that look at every job and hold none, opens the ceilings, and makes users; gives their API keys. */
export async function furnish(house, { users }) {
  const admin = (method, path, body) => call(house, house.adminKey, method, path, body);
  await admin('POST', '/api/queue/concurrency', { max_concurrent: 100_000, user_max_concurrent: 100_000 });
  const conditions = [
    (n) => ({ condition: 'cost_exceeds', threshold: String(1_000 + n) }),
    (n) => ({ condition: 'hardware_type', threshold: `h${n}00-*` }),
    (n) => ({ condition: 'config_pattern', threshold: `production-${n}-*` }),
    (n) => ({ condition: 'provider', threshold: `other-${n}` }),
    (n) => ({ condition: 'daily_jobs_exceed', threshold: String(500_000 + n) }),
  ];
  for (let n = 0; n < 100; n += 1) {
    await admin('POST', '/api/approvals/rules', {
      name: `rule-${n}`,
      priority: n,
      required_approver_level: 'lead',
      ...conditions[n % conditions.length](n),
    });
  }
  const keys = [];
  for (let n = 0; n < users; n += 1) keys.push(await newUser(house, `bench${n}`, 'researcher'));
  return keys;
}

/** Makes a user; gives their API key. */
export async function newUser(house, username, level) {
  const password = randomBytes(18).toString('base64url');
  await call(house, house.adminKey, 'POST', '/api/users', {
    username,
    email: `${username}@lineclear.test`,
    password,
    level_names: [level],
  });
  const login = await fetch(new URL('/api/auth/login', house.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });
  const { csrf_token } = await login.json();
  const key = await fetch(new URL('/api/auth/api-keys', house.url), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-csrf-token': csrf_token,
      cookie: login.headers
        .getSetCookie()
        .map((c) => c.split(';')[0])
        .join('; '),
    },
    body: JSON.stringify({ name: 'bench' }),
  });
  return (await key.json()).key;
}
