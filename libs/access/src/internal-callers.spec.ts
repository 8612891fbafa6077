import { internalPrincipal, principalChanged, SYSTEM_LEVELS, type Principal } from '@lineclear/contracts';
import { Bus, newEventId } from '@lineclear/bus';
import { LOGGER, type Logger, type RunningService } from '@lineclear/kit';
import { client, connectPeer, people, startBackends, type Backends, type Peer } from '@lineclear/testkit';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { openDoor } from './door.fixture.js';

const DOOR = '/api/secrets';
const INTERNAL = `network:
  trust_proxy_headers: true
  trusted_proxies: [192.168.0.0/16]
  bypass_auth_for_internal: true
  internal_networks: [10.10.0.0/16, '2001:db8::/32']
auth: { public_url: 'https://trainer.example.com' }
`;
const ACCOUNT: Principal = {
  user_id: 1_000,
  username: 'internal',
  email: 'service-1000@service.invalid',
  level: 'viewer',
  level_priority: 10,
  reaches: ['viewer'],
  permissions: [...SYSTEM_LEVELS.viewer.permissions],
  via: 'internal',
  credential_id: 1_000,
};

let backends: Backends;
let peer: Peer;
let service: RunningService;
let log: Logger;
/** What auth says of the account, and the addresses it was asked about. */
let account: Principal | null;
let asked: string[];

beforeAll(async () => {
  backends = await startBackends();
  peer = await connectPeer(backends.nats.url);
  peer.answer(internalPrincipal, ({ address }) => {
    asked.push(address);
    return { principal: account };
  });
  service = await openDoor(backends, INTERNAL);
  log = service.app.get<Logger>(LOGGER);
});
afterAll(async () => {
  await service?.close();
  await peer?.close();
  await backends?.stop();
});
beforeEach(async () => {
  [account, asked] = [ACCOUNT, []];
});

let last = 0;
/** An address that no test has used. */
const inside = (): string => `10.10.7.${(last += 1)}`;
const from = (...hops: readonly string[]): Record<string, string> => ({ 'x-forwarded-for': hops.join(', ') });

it('are let in without a credential, as the account, which is asked for once', async () => {
  const http = client(service.url);
  const address = inside();
  const { status, body } = await http.get(DOOR, from(address));
  expect([status, body]).toEqual([200, ACCOUNT]);
  expect((await http.post(DOOR, {}, from(address))).status).toBe(201);
  expect((await http.get(`${DOOR}/submit`, from(address))).status).toBe(403);
  expect(asked).toEqual([address]);
  expect((await http.get(DOOR, from('2001:db8::9'))).status).toBe(200);
});

it('are named in the log, once in a minute each', async () => {
  const info = vi.spyOn(log, 'info');
  const [one, other] = [inside(), inside()];
  for (const address of [one, one, other, one]) await client(service.url).get(DOOR, from(address));
  expect(info.mock.calls).toEqual([[`Auth bypassed for IP ${one}`], [`Auth bypassed for IP ${other}`]]);
  info.mockRestore();
});

it.each([
  [[], 'this machine'],
  [['203.0.113.5'], 'elsewhere'],
  [['10.10.0.1', '203.0.113.5'], 'elsewhere, and says it is inside'],
  [['10.10.0.1', '127.0.0.1'], 'elsewhere by a proxy on this machine that is not trusted'],
  [['10.10.0.1', '203.0.113.5', '192.168.0.1'], 'elsewhere by a trusted proxy, and says it is inside'],
  [['10.11.0.1', '192.168.0.1'], 'another network by a trusted proxy'],
  [['10.10.0.1', 'nonsense', '192.168.0.1'], 'what is no address'],
  [['10.10.0.1', '203.0.113.5'], 'a proxy that is not trusted'],
])('are nobody who come by %j: %s', async (hops) => {
  expect((await client(service.url).get(DOOR, hops.length === 0 ? {} : from(...hops))).status).toBe(401);
  expect(asked).toEqual([]);
});

it('are known behind a trusted proxy by their own address', async () => {
  const address = inside();
  expect((await client(service.url).get(DOOR, from(address, '192.168.0.1'))).status).toBe(200);
  expect(asked).toEqual([address]);
});

it('are not believed where no gateway of ours can stand', async () => {
  const knock = async (remoteAddress: string, headers: Record<string, string>) =>
    (await service.app.inject({ method: 'GET', url: DOOR, remoteAddress, headers })).statusCode;
  expect(await knock('203.0.113.5', { ...from('10.10.0.1'), host: '127.0.0.1' })).toBe(401);
  expect(await knock('10.10.0.1', { host: '127.0.0.1' })).toBe(200);
});

it('with a wrong credential are refused, and with a right one are who it says', async () => {
  const ada = (await people(peer)).add('researcher');
  const address = inside();
  expect((await client(service.url, 'wrong').get(DOOR, from(address))).status).toBe(401);
  const cookie = { ...from(address), cookie: 'lineclear_session=ended' };
  expect((await client(service.url).get(DOOR, cookie)).status).toBe(401);
  expect((await client(service.url, ada.token).get(DOOR, from(address))).body).toMatchObject({
    username: ada.principal.username,
  });
});

it('end no credential and make none', async () => {
  expect((await client(service.url).delete(DOOR, from(inside()))).status).toBe(403);
});

it('are let in no more at once when the account is not', async () => {
  const address = inside();
  const knock = async () => (await client(service.url).get(DOOR, from(address))).status;
  expect(await knock()).toBe(200);
  account = null;
  expect(await knock()).toBe(200);
  const { connection } = service.app.get(Bus);
  connection.publish(
    principalChanged.subject,
    JSON.stringify({
      specversion: '1.0',
      id: newEventId(),
      source: 'lineclear/auth',
      time: new Date().toISOString(),
      subject: 'user/1000',
      type: principalChanged.name,
      data: { user_id: ACCOUNT.user_id },
    }),
  );
  await vi.waitFor(async () => expect(await knock()).toBe(401));
});

it.each([
  [{ 'sec-fetch-site': 'cross-site' }, 403],
  [{ 'sec-fetch-site': 'same-site' }, 403],
  [{ origin: 'https://elsewhere.test' }, 403],
  [{ origin: 'null' }, 403],
  [{ 'sec-fetch-site': 'same-origin', origin: 'https://trainer.example.com' }, 201],
  [{ 'sec-fetch-site': 'none' }, 201],
  [{}, 201],
])('change nothing for the page of another site: %j is a %d', async (headers, expected) => {
  const sent = { ...from(inside()), ...headers };
  expect((await client(service.url).post(DOOR, {}, sent)).status).toBe(expected);
});

it.each([
  ['trainer.example.com', 200],
  ['trainer.example.com:8443', 200],
  ['lineclear:8080', 200],
  ['10.10.0.2', 200],
  ['[2001:db8::2]:8080', 200],
  ['elsewhere.test', 401],
  ['10.10.0.2.elsewhere.test', 401],
])('are let in by no name that another site can have: %s is a %d', async (host, expected) => {
  const sent = { ...from(inside()), 'x-forwarded-host': host };
  expect((await client(service.url).get(DOOR, sent)).status).toBe(expected);
});

it('are nobody where the file does not let them in', async () => {
  const closed = await openDoor(backends, 'network: { internal_networks: [10.10.0.0/16] }');
  expect((await client(closed.url).get(DOOR, from('10.10.0.1'))).status).toBe(401);
  await closed.close();
  expect(asked).toEqual([]);
});
