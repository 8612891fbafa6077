import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { addressGroup, clientAddress, isFromThisMachine, isLoopback, trustedHops } from './client-address.js';
import { configFile, type ConfigFile } from './config-file.js';

const NOBODY: ConfigFile['network'] = configFile.parse({}).network;
const OUR_PROXIES = {
  ...NOBODY,
  trust_proxy_headers: true,
  trusted_proxies: ['203.0.113.0/24', '127.0.0.1/32', 'fd00::/8'],
};

/** What a service makes of a connection from `peer` with these headers. */
async function seen(
  peer: string | undefined,
  forwarded: string | undefined,
  network = NOBODY,
): Promise<{ address: string; here: boolean }> {
  const app = Fastify({ trustProxy: trustedHops(network) });
  app.get('/', (request) => ({ address: clientAddress(request), here: isFromThisMachine(request) }));
  const reply = await app.inject({
    url: '/',
    ...(peer === undefined ? {} : { remoteAddress: peer }),
    ...(forwarded === undefined ? {} : { headers: { 'x-forwarded-for': forwarded } }),
  });
  return reply.json();
}

it.each([
  ['127.0.0.1', undefined, '127.0.0.1'],
  ['::ffff:10.0.0.9', undefined, '10.0.0.9'],
  ['10.0.0.2', '203.0.113.7', '203.0.113.7'],
  ['::1', '2001:db8::1', '2001:db8::1'],
  ['172.18.0.4', '::ffff:203.0.113.7', '203.0.113.7'],
  ['192.168.1.5', '1.1.1.1, 203.0.113.7', '203.0.113.7'],
  ['203.0.113.9', '127.0.0.1', '203.0.113.9'],
  ['172.32.0.1', '127.0.0.1', '172.32.0.1'],
  ['127.0.0.1', 'unknown', '127.0.0.1'],
  ['127.0.0.1', '10.0.0.1:8080', '127.0.0.1'],
  ['127.0.0.1', `fe80::1%${'x'.repeat(99)}`, 'fe80::1'],
  ['fe80::7%eth0', undefined, 'fe80::7'],
])(
  'without proxies, a connection from %s with X-Forwarded-For %j is of %s',
  async (peer, forwarded, address) => {
    expect((await seen(peer, forwarded)).address).toBe(address);
  },
);

it.each([
  ['one proxy', '198.51.100.4, 203.0.113.7', '198.51.100.4'],
  ['what the client made up', '1.1.1.1, 198.51.100.4, 203.0.113.7', '198.51.100.4'],
  ['two proxies', '198.51.100.4, fd00::9, 203.0.113.7', '198.51.100.4'],
  ['proxies alone', '203.0.113.8, 203.0.113.7', '203.0.113.8'],
  ['a proxy on this machine', '198.51.100.4, 127.0.0.1', '198.51.100.4'],
  ['a hop that is not trusted', '10.1.1.1, 198.51.100.4', '198.51.100.4'],
  ['words that a proxy passed on', 'unknown, 203.0.113.7', '203.0.113.7'],
  ['words further left', 'x, 198.51.100.4, 203.0.113.7', '198.51.100.4'],
  ['nothing that a proxy passed on', ', 203.0.113.7', '203.0.113.7'],
])('with proxies, %s (%j) leads to %s', async (_, forwarded, address) => {
  expect((await seen('10.0.0.2', forwarded, OUR_PROXIES)).address).toBe(address);
});

it('believes no proxy while `trust_proxy_headers` is off', async () => {
  const off = { ...OUR_PROXIES, trust_proxy_headers: false };
  expect((await seen('10.0.0.2', '198.51.100.4, 203.0.113.7', off)).address).toBe('203.0.113.7');
});

it('believes no header of a connection that is not our gateway’s', async () => {
  expect((await seen('198.51.100.9', '10.0.0.1, 203.0.113.7', OUR_PROXIES)).address).toBe('198.51.100.9');
});

it.each([
  ['127.0.0.1', undefined, true],
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', '::1, 127.0.0.1', true],
  ['127.0.0.1', '203.0.113.7', false],
  // By a proxy of this machine: whom it serves may be anywhere.
  ['127.0.0.1', '203.0.113.7, 127.0.0.1', false],
  ['127.0.0.1', 'unknown, 127.0.0.1', false],
  ['10.0.0.2', '127.0.0.1', false],
])('from %s with X-Forwarded-For %j is from this machine: %s', async (peer, forwarded, here) => {
  expect((await seen(peer, forwarded)).here).toBe(here);
  expect((await seen(peer, forwarded, OUR_PROXIES)).here).toBe(here);
});

it.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['10.0.0.1', false],
  ['128.0.0.1', false],
  ['unknown', false],
  ['', false],
])('%s is loopback: %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

it.each([
  ['203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['unknown', 'unknown'],
])('%s counts as %s', (address, group) => {
  expect(addressGroup(address)).toBe(group);
});
