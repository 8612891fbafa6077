import { expect, it } from 'vitest';
import { agentFamily } from './device.js';

const GECKO = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101';
const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';
it.each([
  [`${GECKO} Firefox/145.0`, 'Firefox on Linux'],
  [`${GECKO} Firefox/146.0`, 'Firefox on Linux'],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36`, 'Chrome on Windows'],
  [`Mozilla/5.0 (Windows NT 10.0) ${WEBKIT} Chrome/142.0 Safari/537.36 Edg/142.0`, 'Edge on Windows'],
  [`Mozilla/5.0 (Linux; Android 15) ${WEBKIT} Chrome/142.0 Mobile Safari/537.36`, 'Chrome on Android'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18.1 Safari/605.1.15', 'Safari on macOS'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) CriOS/142.0 Safari/604.1', 'Chrome on iOS'],
  ['curl/8.5.0', 'curl'],
  ['python-requests/2.32.3', 'python-requests'],
  ['node', 'node'],
  ['', 'an unknown program'],
  ['<script>', 'an unknown program'],
  ['x'.repeat(300), 'x'.repeat(60)],
])('%s is %s', (userAgent, family) => {
  expect(agentFamily(userAgent)).toBe(family);
});
