import { expect, it } from 'vitest';
import { EVENT_TYPES } from './event-catalogue.js';
import { OUTCOMES, OWN_EVENTS, ownerOf, whyNoNews } from './own-events.js';

const ada = { user_id: 7, username: 'ada' };
const lea = { user_id: 2, username: 'lea' };

it('names events that there are', () => {
  expect(EVENT_TYPES).toEqual(expect.arrayContaining([...OWN_EVENTS]));
});

it.each([
  ['job.completed', ada, 7],
  ['approval.granted', { approval_id: 'x' }, undefined],
  // Whose request it is is no news to them, and a key in an emergency is the house's affair.
  ['approval.required', ada, undefined],
  ['secret.glass_broken', { by_user_id: 1, user_id: 7 }, undefined],
  ['system.provider_error', { user_id: 7 }, undefined],
])('%s of %j is for %s', (type, data, owner) => {
  expect(ownerOf({ type, data })).toBe(owner);
});

it.each([
  ['approval.granted', { ...ada, by_user_id: 2 }, undefined],
  ['approval.cancelled', { ...ada, by_user_id: 7 }, 'own_doing'],
  ['approval.cancelled', { ...ada, by_user_id: 2 }, undefined],
  ['approval.expired', ada, undefined],
  ['job.cancelled', { ...ada, reason: 'cancelled_by_user', cancelled_by: ada }, 'own_doing'],
  ['job.cancelled', { ...ada, reason: 'cancelled_by_user', cancelled_by: lea }, undefined],
  // A name can be anybody's in a message.
  ['job.cancelled', { ...ada, reason: 'cancelled_by_user', message: 'cancelled by ada' }, undefined],
  ['job.cancelled', { ...ada, reason: 'cancelled_by_user' }, undefined],
  ['job.cancelled', { ...ada, reason: 'approval_rejected', message: 'rejected by lea: no' }, 'duplicate'],
  ['job.cancelled', { ...ada, reason: 'approval_cancelled', cancelled_by: ada }, 'own_doing'],
  ['job.cancelled', { ...ada, reason: 'approval_cancelled', cancelled_by: lea }, 'duplicate'],
  ['job.cancelled', { reason: 'cancelled_by_user' }, undefined],
])('of %s with %j the owner knows by: %s', (type, data, why) => {
  expect(whyNoNews({ type, data })).toBe(why);
});

it('tells nothing by itself that is not an own event', () => {
  expect(OWN_EVENTS).toEqual(expect.arrayContaining([...OUTCOMES]));
});
