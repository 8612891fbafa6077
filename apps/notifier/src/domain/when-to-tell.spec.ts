import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectionId, digestAt, DIGESTS } from './digest.js';
import { DEFAULT, type OwnPreference } from './own-preferences.js';
import { DAYS, quietUntil } from './quiet-hours.js';
import { SEVERITIES } from './severity.js';
import { throttledUntil } from './throttle.js';
import { whenToTell, type Schedule } from './when-to-tell.js';

const NOON = new Date('2026-11-25T12:00:00.000Z');
const what = { severity: 'error', isApproval: false } as const;
const wish: OwnPreference = { ...DEFAULT, eventType: '*' };
const quiet = (start: string, end: string): Schedule => ({
  timeZone: 'UTC',
  quietHours: { start, end, days: DAYS, alsoCritical: false, alsoApprovals: false },
});

describe('a digest', () => {
  it.each([
    ['immediately', 'UTC', '2026-11-25T12:00:00.000Z', undefined],
    ['hourly', 'UTC', '2026-11-25T12:00:00.000Z', '2026-11-25T13:00:00.000Z'],
    ['hourly', 'UTC', '2026-11-25T12:59:59.999Z', '2026-11-25T13:00:00.000Z'],
    ['daily', 'UTC', '2026-11-25T07:59:59.999Z', '2026-11-25T08:00:00.000Z'],
    ['daily', 'UTC', '2026-11-25T08:00:00.000Z', '2026-11-26T08:00:00.000Z'],
    ['daily', 'Europe/Berlin', '2026-03-28T12:00:00.000Z', '2026-03-29T06:00:00.000Z'],
    ['daily', 'Europe/Berlin', '2026-10-24T12:00:00.000Z', '2026-10-25T07:00:00.000Z'],
    ['daily', 'Asia/Tokyo', '2026-11-25T22:59:00.000Z', '2026-11-25T23:00:00.000Z'],
  ] as const)('%s in %s, at %s: %s', (digest, zone, now, at) => {
    expect(digestAt(digest, 8, zone, new Date(now))?.toISOString()).toBe(at);
  });

  it('has one id for one moment, and another for another', () => {
    expect(collectionId(1, 'a')).toBe(collectionId(1, 'a'));
    expect(new Set([collectionId(1, 'a'), collectionId(1, 'b'), collectionId(1, 'a', 0)]).size).toBe(3);
    expect(collectionId(1)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

it.each([
  [0, undefined],
  [1, undefined],
  [2, '2026-11-25T12:15:00.000Z'],
  [99, '2026-11-25T12:15:00.000Z'],
])('after %i of two in a quarter of an hour the next waits until %s', (told, until) => {
  expect(throttledUntil({ max: 2, perMinutes: 15 }, told, NOON)?.toISOString()).toBe(until);
});

describe('when to tell', () => {
  it.each([
    ['at once', what, wish, undefined, { how: 'now' }],
    [
      'behind the quiet hours',
      what,
      wish,
      quiet('11:00', '14:00'),
      { how: 'later', why: 'quiet_hours', hour: 14 },
    ],
    [
      'with the digest',
      what,
      { ...wish, digest: 'hourly' },
      undefined,
      { how: 'together', why: 'digest', hour: 13 },
    ],
    [
      'with the digest, behind the quiet hours',
      what,
      { ...wish, digest: 'hourly' },
      quiet('11:00', '14:00'),
      { how: 'together', why: 'digest', hour: 14 },
    ],
    [
      'critical, at once',
      { ...what, severity: 'critical' },
      { ...wish, digest: 'daily' },
      undefined,
      { how: 'now' },
    ],
    [
      'too much, in one',
      what,
      { ...wish, throttle: { max: 3, perMinutes: 60 } },
      undefined,
      { how: 'together', why: 'throttled', hour: 13 },
    ],
  ] as const)('%s', (_, of, by, schedule, expected) => {
    const when = whenToTell(of, by, schedule, 3, NOON);
    const shown =
      when.how === 'now'
        ? { how: 'now' }
        : { how: when.how, why: when.held.why, hour: when.held.until.getUTCHours() };
    expect(shown).toEqual(expected);
  });

  it('is now or later, never never: what waits has an end, which is not in quiet hours that hold it', () => {
    const time = fc
      .tuple(fc.nat(23), fc.nat(59))
      .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
    const schedules = fc.option(
      fc.record({
        timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'),
        quietHours: fc.option(
          fc
            .record({
              start: time,
              end: time,
              days: fc.subarray([...DAYS]),
              alsoCritical: fc.boolean(),
              alsoApprovals: fc.boolean(),
            })
            .filter(({ start, end }) => start !== end),
        ),
      }),
      { nil: undefined },
    );
    const wishes = fc.record({
      digest: fc.constantFrom(...DIGESTS),
      digestHour: fc.nat(23),
      throttle: fc.option(
        fc.record({ max: fc.integer({ min: 1, max: 9 }), perMinutes: fc.integer({ min: 1, max: 1_440 }) }),
      ),
    });
    const whats = fc.record({ severity: fc.constantFrom(...SEVERITIES), isApproval: fc.boolean() });
    const moments = fc.date({
      min: new Date('2026-01-01'),
      max: new Date('2027-01-01'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(whats, wishes, schedules, fc.nat(12), moments, (of, by, schedule, told, now) => {
        const when = whenToTell(of, { ...wish, ...by }, schedule, told, now);
        if (when.how === 'now') return;
        const { why, until } = when.held;
        expect(until.getTime()).toBeGreaterThan(now.getTime());
        expect(until.getTime() - now.getTime()).toBeLessThanOrEqual(76 * 3_600_000);
        if (why === 'throttled') expect(told).toBeGreaterThanOrEqual(by.throttle!.max);
        if (why === 'quiet_hours')
          expect(quietUntil(schedule!.quietHours!, schedule!.timeZone, until)).toBeUndefined();
      }),
    );
  });
});
