import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DIGESTS } from './digest.js';
import { EVENT_TYPES } from './event-catalogue.js';
import { decideOn } from './own-news.js';
import { DEFAULT, type OwnPreference } from './own-preferences.js';
import { SEVERITIES } from './severity.js';

const all: OwnPreference = { ...DEFAULT, eventType: '*' };
const preferences = fc.array(
  fc.record({
    eventType: fc.constantFrom('*', 'job.*', 'auth.*', ...EVENT_TYPES),
    isEnabled: fc.boolean(),
    minSeverity: fc.constantFrom(...SEVERITIES),
    channelId: fc.constantFrom(null, 1),
    digest: fc.constantFrom(...DIGESTS),
    digestHour: fc.nat(23),
    throttle: fc.constantFrom(null, { max: 1, perMinutes: 5 }),
  }),
);

it('tells nobody of what is about another, whatever they prefer', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...EVENT_TYPES),
      preferences,
      fc.option(fc.constantFrom(1, 3)),
      (type, theirs, owner) => {
        const data = { by_user_id: 2, ...(owner === null ? {} : { user_id: owner }) };
        expect(decideOn({ type, data }, 2, theirs)).toBeUndefined();
      },
    ),
  );
});

it.each([
  ['job.failed', [], { tell: true }],
  ['job.failed', [{ ...all, isEnabled: false }], { tell: false, reason: 'switched_off_by_person' }],
  [
    'job.completed',
    [{ ...all, minSeverity: 'error' as const }],
    { tell: false, reason: 'below_min_severity' },
  ],
  ['job.failed', [{ ...all, minSeverity: 'error' as const }], { tell: true }],
  ['job.started', [all], { tell: true, wish: all }],
])('of %s with %j: %j', (type, theirs, decision) => {
  expect(decideOn({ type, data: { user_id: 2 } }, 2, theirs)).toMatchObject(decision);
});
