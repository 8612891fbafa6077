import { expect, it } from 'vitest';
import { clientAddress, isLoopback } from './client-address.js';

const from = (remoteAddress: string | undefined, forwarded?: string | string[]): string =>
  clientAddress({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  } as never);

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
  ['127.0.0.1', '1.2.3.4, ', '127.0.0.1'],
  ['127.0.0.1', '10.0.0.1:8080', '127.0.0.1'],
  ['127.0.0.1', `fe80::1%${'x'.repeat(99)}`, 'fe80::1'],
  ['fe80::7%eth0', undefined, 'fe80::7'],
  [undefined, '127.0.0.1', 'unknown'],
])('a connection from %s with X-Forwarded-For %j is of %s', (peer, forwarded, address) => {
  expect(from(peer, forwarded)).toBe(address);
});

it('takes the last of several headers', () => {
  expect(from('127.0.0.1', ['1.1.1.1', '203.0.113.7'])).toBe('203.0.113.7');
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
