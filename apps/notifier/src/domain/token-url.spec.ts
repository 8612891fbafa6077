import { expect, it } from 'vitest';
import { parseNetworks } from './addresses.js';
import { faultOfTokenUrl } from './token-url.js';

const allowed = parseNetworks('127.0.0.0/8,fd00::/8');
it.each([
  ['https://login.example.org/token', undefined],
  ['https://login.example.org:8443/token', undefined],
  ['http://127.0.0.1:9000/token', undefined],
  ['http://[fd00::1]/token', undefined],
  ['http://login.example.org/token', 'is not a https URL'],
  ['http://localhost/token', 'is not a https URL'],
  ['http://10.0.0.1/token', 'is not a https URL'],
])('%s: %s', (url, fault) => {
  expect(faultOfTokenUrl(url, allowed)).toBe(fault);
});
