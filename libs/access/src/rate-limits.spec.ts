import {
  client,
  connectPeer,
  expectProblem,
  people,
  startBackends,
  type Answer,
  type Backends,
  type Peer,
  type People,
} from '@lineclear/testkit';
import type { RunningService } from '@lineclear/kit';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openDoor } from './door.fixture.js';

const DOOR = '/api/secrets';
const LIMITS = 'limits: { requests_per_minute_per_principal: 8, requests_per_minute_per_address: 5 }';
const BYPASSED = 'auth: { bypass_paths: [/api/secrets/bypassed] }';

let backends: Backends;
let peer: Peer;
let known: People;
const opened: RunningService[] = [];

beforeAll(async () => {
  backends = await startBackends();
  peer = await connectPeer(backends.nats.url);
  known = await people(peer);
});
afterEach(async () => {
  for (const service of opened.splice(0)) await service.close();
  const redis = new Redis(backends.redis.url);
  await redis.flushall();
  redis.disconnect();
});
afterAll(async () => {
  await peer?.close();
  await backends?.stop();
});

async function open(yaml = LIMITS): Promise<string> {
  const service = await openDoor(backends, yaml);
  opened.push(service);
  return service.url;
}
const told = ({ headers }: Answer) =>
  ['limit', 'remaining', 'reset'].map((name) => headers.get(`ratelimit-${name}`));
const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });
const times = async (count: number, ask: () => Promise<Answer>): Promise<number[]> => {
  const statuses: number[] = [];
  for (let n = 0; n < count; n += 1) statuses.push((await ask()).status);
  return statuses;
};

it('tells a principal what is left, on two replicas together, and then to wait', async () => {
  const ada = known.add('researcher');
  const [one, other] = [client(await open(), ada.token), client(await open(), ada.token)];
  const first = await one.get(DOOR);
  expect(told(first)).toEqual(['8', '7', expect.stringMatching(/^([1-9]|[1-5]\d|60)$/)]);
  expect(told(await other.get(`${DOOR}/submit`))[1]).toBe('6');
  expect(told(await one.get(`${DOOR}/nothing`))).toEqual([null, null, null]);
  expect(await times(6, () => other.get(DOOR))).toEqual(Array(6).fill(200));
  for (const http of [one, other]) {
    const refused = await http.get(DOOR);
    expect(refused.status).toBe(429);
    expectProblem(refused, 'too many');
    expect(told(refused).slice(0, 2)).toEqual(['8', '0']);
    expect(refused.headers.get('retry-after')).toBe(refused.headers.get('ratelimit-reset'));
  }
  const bob = known.add('researcher');
  expect((await client(await open(), bob.token).get(DOOR)).status).toBe(200);
});

it('counts all keys of a person together, and what is refused for other reasons as well', async () => {
  const ada = known.add('viewer');
  const http = client(await open(), ada.token);
  expect(await times(8, () => http.get(`${DOOR}/submit`))).toEqual(Array(8).fill(403));
  expect((await http.get(`${DOOR}/submit`)).status).toBe(429);
});

it('counts who is nobody yet by their address: without a credential, with a wrong one, at open doors', async () => {
  const http = client(await open(`${LIMITS}\n${BYPASSED}`));
  const asks: readonly (readonly [number, () => Promise<Answer>])[] = [
    [401, () => http.get(DOOR, from('203.0.113.1'))],
    [401, () => http.get(DOOR, { ...from('203.0.113.1'), authorization: 'Bearer wrong' })],
    [200, () => http.get(`${DOOR}/open`, from('203.0.113.1'))],
    [200, () => http.get(`${DOOR}/bypassed`, from('203.0.113.1'))],
    [401, () => http.post(DOOR, {}, from('203.0.113.1'))],
  ];
  for (const [at, [status, ask]] of asks.entries()) {
    const answer = await ask();
    expect([answer.status, ...told(answer).slice(0, 2)]).toEqual([status, '5', String(4 - at)]);
  }
  for (const [, ask] of asks) expect((await ask()).status).toBe(429);
  expect((await http.get(DOOR, from('203.0.113.2'))).status).toBe(401);
});

it('counts an IPv6 caller by the network it can choose addresses of', async () => {
  const http = client(await open());
  let n = 0;
  const next = () => http.get(DOOR, from(`2001:db8:1:2::${(n += 1)}`));
  expect(await times(5, next)).toEqual(Array(5).fill(401));
  expect((await next()).status).toBe(429);
  expect((await http.get(DOOR, from('2001:db8:1:3::1'))).status).toBe(401);
});

it('takes no wrong key to be looked up once an address has asked too much, and lets go on who was known before', async () => {
  const [ada, late] = [known.add('researcher'), known.add('researcher')];
  const url = await open();
  const key = (token: string) => client(url, token).get(DOOR, from('203.0.113.9'));
  expect((await key(ada.token)).status).toBe(200);
  expect(await times(5, () => key('guess'))).toEqual(Array(5).fill(401));
  known.down();
  // Nobody is asked: that would be a 503.
  expect((await key('another guess')).status).toBe(429);
  expect((await key(late.token)).status).toBe(429);
  known.up();
  expect((await key(ada.token)).status).toBe(200);
});

it('does not count what operators ask', async () => {
  const url = await open();
  for (const path of ['/health', '/health/live', '/metrics', '/openapi.json']) {
    const answers = await Promise.all(Array.from({ length: 9 }, () => client(url).get(path)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(told(answers[0]!)).toEqual([null, null, null]);
  }
});

it.each([
  ['limits: { requests_per_minute_per_principal: 0 }', true, false],
  ['limits: { requests_per_minute_per_address: 0 }', false, true],
  ['limits: { requests_per_minute_per_principal: 0, requests_per_minute_per_address: 0 }', false, false],
  ['', true, true],
])('by %j counts addresses: %s, principals: %s', async (yaml, ofAddresses, ofPrincipals) => {
  const url = await open(yaml);
  const ada = known.add('researcher');
  expect(told(await client(url).get(DOOR))[0]).toBe(ofAddresses ? '3000' : null);
  expect(told(await client(url, ada.token).get(DOOR))[0]).toBe(ofPrincipals ? '6000' : null);
});

it('shares no count with another service', async () => {
  const ada = known.add('researcher');
  const http = client(await open(), ada.token);
  await http.get(DOOR);
  const redis = new Redis(backends.redis.url);
  const keys = await redis.keys('*');
  redis.disconnect();
  expect(keys).toEqual([`lineclear:secrets:limit:principal:${ada.principal.user_id}`]);
});
