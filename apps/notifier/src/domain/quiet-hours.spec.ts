import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAYS, isHeld, quietUntil, type QuietHours } from './quiet-hours.js';
import { isTimeZone } from './wall-clock.js';

const hours = (start: string, end: string, more: Partial<QuietHours> = {}): QuietHours => ({
  start,
  end,
  days: DAYS,
  alsoCritical: false,
  alsoApprovals: false,
  ...more,
});
const untilOf = (given: QuietHours, zone: string, now: string): string | undefined =>
  quietUntil(given, zone, new Date(now))?.toISOString();

describe('quiet hours', () => {
  const night = hours('22:00', '07:00');

  // Berlin is at +1 in winter and at +2 in summer: put forward 2026-03-29 at 2:00, put back 2026-10-25 at 3:00.
  it.each([
    ['before they begin', '2026-01-14T20:59:59.999Z', undefined],
    ['when they begin', '2026-01-14T21:00:00.000Z', '2026-01-15T06:00:00.000Z'],
    ['behind midnight', '2026-01-15T03:00:00.000Z', '2026-01-15T06:00:00.000Z'],
    ['when they end', '2026-01-15T06:00:00.000Z', undefined],
    ['in the night that is put forward', '2026-03-28T23:30:00.000Z', '2026-03-29T05:00:00.000Z'],
    ['in the night that is put back', '2026-10-24T22:00:00.000Z', '2026-10-25T06:00:00.000Z'],
  ])('%s', (_, now, until) => {
    expect(untilOf(night, 'Europe/Berlin', now)).toBe(until);
  });

  it.each([
    // 2:30 comes twice, at 0:30 and 1:30 UTC: quiet until the second.
    ['01:00', '02:30', '2026-10-25T00:45:00.000Z', '2026-10-25T01:30:00.000Z'],
    ['01:00', '02:30', '2026-10-25T01:30:00.000Z', undefined],
    // They begin at the first 2:30.
    ['02:30', '05:00', '2026-10-25T00:30:00.000Z', '2026-10-25T04:00:00.000Z'],
    ['02:30', '05:00', '2026-10-25T00:29:00.000Z', undefined],
    // 2:30 never comes: quiet until 3:30 of summer.
    ['01:00', '02:30', '2026-03-29T00:59:00.000Z', '2026-03-29T01:30:00.000Z'],
    ['01:00', '02:30', '2026-03-29T01:30:00.000Z', undefined],
    ['02:30', '05:00', '2026-03-29T01:00:00.000Z', '2026-03-29T03:00:00.000Z'],
    // The next ones begin before these end, in the night that is put back.
    ['02:30', '02:29', '2026-10-25T00:29:00.000Z', '2026-10-26T01:29:00.000Z'],
  ])('from %s to %s, at %s: until %s', (start, end, now, until) => {
    expect(untilOf(hours(start, end), 'Europe/Berlin', now)).toBe(until);
  });

  it('begin on the days that are named, and end on the next', () => {
    const weekend = hours('22:00', '10:00', { days: ['fri', 'sat'] });
    expect(untilOf(weekend, 'UTC', '2026-11-27T23:00:00.000Z')).toBe('2026-11-28T10:00:00.000Z');
    expect(untilOf(weekend, 'UTC', '2026-11-29T09:00:00.000Z')).toBe('2026-11-29T10:00:00.000Z');
    expect(untilOf(weekend, 'UTC', '2026-11-29T23:00:00.000Z')).toBeUndefined();
    // By the days of the zone: it is Saturday there already.
    expect(
      untilOf(hours('00:00', '08:00', { days: ['sat'] }), 'Asia/Tokyo', '2026-11-27T16:00:00.000Z'),
    ).toBe('2026-11-27T23:00:00.000Z');
  });

  it('always end, and it is not quiet then', () => {
    const time = fc
      .tuple(fc.nat(23), fc.nat(59))
      .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
    const zones = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata');
    const moments = fc.date({
      min: new Date('2026-01-01'),
      max: new Date('2027-01-01'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(time, time, zones, moments, fc.subarray([...DAYS]), (start, end, zone, now, days) => {
        fc.pre(start !== end);
        const given = hours(start, end, { days });
        const until = quietUntil(given, zone, now);
        if (!until) return;
        expect(until.getTime()).toBeGreaterThan(now.getTime());
        expect(until.getTime() - now.getTime()).toBeLessThanOrEqual(51 * 3_600_000);
        expect(quietUntil(given, zone, until)).toBeUndefined();
      }),
    );
  });
});

it.each([
  [{ severity: 'error', isApproval: false }, {}, true],
  [{ severity: 'critical', isApproval: false }, {}, false],
  [{ severity: 'critical', isApproval: false }, { alsoCritical: true }, true],
  [{ severity: 'warning', isApproval: true }, {}, false],
  [{ severity: 'warning', isApproval: true }, { alsoApprovals: true }, true],
] as const)('%j with %j is held: %s', (what, more, held) => {
  expect(isHeld(hours('22:00', '07:00', more), what)).toBe(held);
});

it.each([
  ['Europe/Berlin', true],
  ['UTC', true],
  ['+02:00', false],
  ['Europe/Nowhere', false],
  ['', false],
])('%j is the name of a zone: %s', (name, is) => {
  expect(isTimeZone(name)).toBe(is);
});
