import { expect, it, vi } from 'vitest';
import { HTTP_LIMITS } from '../src/http-limits.js';
import { openHouse, sendBytes } from './house.js';

const soon = { limits: { ...HTTP_LIMITS, headersMs: 100, requestMs: 200, lookEveryMs: 20 } };
const lines = (count: number, value = 'x'): string =>
  Array.from({ length: count }, (_, n) => `x-${n}: ${value}\r\n`).join('');

it.each([
  ['too large', lines(20, 'x'.repeat(1_000))],
  ['one that is too large', lines(1, 'x'.repeat(17_000))],
  ['too many', lines(HTTP_LIMITS.headers)],
  ['far too many', lines(1_500)],
])('refuses headers that are %s, at its own pages and before a service', async (_, headers) => {
  const asked = vi.fn<() => void>();
  const house = await openHouse({ auth: () => asked() });
  for (const path of ['/api/users', '/health/live', '/api/nothing']) {
    const answer = await sendBytes(
      house,
      `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('content-type: application/problem+json');
    expect(answer).toMatch(/x-content-type-options: nosniff/i);
    expect(answer).toContain('"code":"header_too_large"');
  }
  expect(asked).not.toHaveBeenCalled();
});

it('takes as many and as large headers as it says', async () => {
  const house = await openHouse();
  for (const headers of [lines(HTTP_LIMITS.headers - 2), lines(1, 'x'.repeat(16_000))])
    expect(
      await sendBytes(house, `GET /api/users HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n`),
    ).toMatch(/^HTTP\/1\.1 200 /);
});

it.each([
  ['says nothing', ''],
  ['does not end its headers', 'GET /api/users HTTP/1.1\r\nhost: x\r\nx-slow: '],
  ['does not send its body', 'POST /api/users HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{'],
])('lets nobody hold a connection who %s', async (_, bytes) => {
  const house = await openHouse({}, 30_000, soon);
  const answer = await sendBytes(house, bytes);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(answer).toContain('"code":"timed_out"');
});
