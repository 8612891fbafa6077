import { expect, it } from 'vitest';
import { endOf, eventId, lifeOf, placeFrom, placeOf } from './event-id.js';

it('is read as it was written', () => {
  const life = lifeOf('2026-11-28T10:00:00.123456789Z');
  expect(placeFrom(eventId(life, placeOf(12, 3)))).toEqual({ life, at: 12_003 });
  expect(endOf(12)).toBeLessThan(placeOf(13, 0));
  expect(lifeOf('2026-11-28T10:00:01Z')).not.toBe(life);
});

it.each([
  ['12003', { life: '', at: 12_003 }],
  ['', undefined],
  ['x', undefined],
  ['abc-', undefined],
  ['-1', undefined],
  ['a-1\nb', undefined],
  ['a-12345678901234567', undefined],
])('reads %j as %j', (id, place) => expect(placeFrom(id)).toEqual(place));
