import { expect, it } from 'vitest';
import { pauseSeconds, retryAfterSeconds } from './back-off.js';

it.each<[number, number | undefined, number]>([
  [1, undefined, 1],
  [2, undefined, 2],
  [5, undefined, 16],
  [50, undefined, 60],
  [1, 30, 30],
  [1, 0, 1],
  [6, 2, 32],
  [1, 86_400, 900],
])('after %d refusals, told %s seconds, waits %d', (times, told, seconds) =>
  expect(pauseSeconds(times, told)).toBe(seconds),
);

const NOW = new Date('2026-11-27T12:00:00Z');
it.each<[string | undefined, number | undefined]>([
  ['7', 7],
  [' 0 ', 0],
  ['Fri, 27 Nov 2026 12:00:30 GMT', 30],
  ['Fri, 27 Nov 2026 11:00:00 GMT', 0],
  ['soon', undefined],
  ['9'.repeat(40), undefined],
  [undefined, undefined],
])('reads Retry-After %j as %s', (header, seconds) => expect(retryAfterSeconds(header, NOW)).toBe(seconds));
