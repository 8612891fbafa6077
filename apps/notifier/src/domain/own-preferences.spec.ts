import { expect, it } from 'vitest';
import { OUTCOMES, OWN_EVENTS } from './own-events.js';
import { DEFAULT, ownTypesOf, wishFor, type OwnPreference } from './own-preferences.js';

const preference = (eventType: string, isEnabled = true): OwnPreference => ({
  ...DEFAULT,
  eventType,
  isEnabled,
});

it('offers a person what is about them, and nothing of the house', () => {
  expect(ownTypesOf('*').toSorted()).toEqual(OWN_EVENTS.toSorted());
  expect(ownTypesOf('system.*')).toEqual([]);
  expect(ownTypesOf('secret.glass_broken')).toEqual([]);
});

it('tells outcomes to whoever said nothing, and nothing else', () => {
  expect(OWN_EVENTS.filter((type) => wishFor(type, [])?.isEnabled)).toEqual(OUTCOMES);
});

it.each([
  ['job.failed', ['*:off'], false],
  ['job.failed', ['*:off', 'job.*'], true],
  ['job.failed', ['job.failed:off', 'job.*', '*'], false],
  ['job.started', ['*'], true],
  ['job.started', ['approval.*'], undefined],
  ['system.dead_letter', ['*'], undefined],
])('of %s a person with %j is told: %s', (type, said, told) => {
  const preferences = said.map((one) => preference(one.replace(':off', ''), !one.endsWith(':off')));
  for (const given of [preferences, preferences.toReversed()])
    expect(wishFor(type, given)?.isEnabled).toBe(told);
});
