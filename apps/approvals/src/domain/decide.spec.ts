import { reaches, SYSTEM_LEVEL_NAMES, type SystemLevel } from '@lineclear/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { REQUEST_STATUSES, statusAt } from './approval-request.js';
import { decide, stillOpen } from './decide.js';

const NOW = new Date('2026-11-22T12:00:00Z');
const at = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1_000);
const request = {
  status: 'pending',
  expiresAt: at(60),
  userId: 1,
  requiredLevel: 'lead',
  alsoLevels: [],
} as const;
const ofLevel = (level: SystemLevel, userId = 2) => ({
  userId,
  username: 'grace',
  level,
  reaches: SYSTEM_LEVEL_NAMES.slice(0, SYSTEM_LEVEL_NAMES.indexOf(level) + 1),
});
const lead = ofLevel('lead');

it.each([
  ['a lead where a lead is asked for', request, lead, undefined],
  ['an admin where a lead is asked for', request, ofLevel('admin'), undefined],
  ['a researcher', request, ofLevel('researcher'), 'level too low'],
  ['a lead where an admin is asked for', { ...request, requiredLevel: 'admin' }, lead, 'level too low'],
  [
    'a lead where a senior is asked for as well',
    { ...request, alsoLevels: ['senior'] },
    lead,
    'level too low',
  ],
  [
    'a lead who reaches a senior where both are asked for',
    { ...request, alsoLevels: ['senior'] },
    { ...lead, reaches: [...lead.reaches, 'senior'] },
    undefined,
  ],
  ['an admin, whatever is asked for', { ...request, alsoLevels: ['gone'] }, ofLevel('admin'), undefined],
  ['the requester', request, { ...lead, userId: 1 }, 'self-approval'],
  ['the requester, though an admin', request, ofLevel('admin', 1), 'self-approval'],
  ['at the last moment', { ...request, expiresAt: at(0.001) }, lead, undefined],
  ['at the end', { ...request, expiresAt: at(0) }, lead, 'expired'],
  ['after the end', { ...request, expiresAt: at(-1) }, lead, 'expired'],
  ['a swept one', { ...request, status: 'expired' }, lead, 'expired'],
  ['an approved one', { ...request, status: 'approved' }, lead, 'already decided'],
  [
    'a rejected one, after its time',
    { ...request, status: 'rejected', expiresAt: at(-1) },
    lead,
    'already decided',
  ],
  ['a cancelled one', { ...request, status: 'cancelled' }, lead, 'already decided'],
] as const)('%s: %o', (_, given, by, why) => {
  expect(decide(given, by, NOW)).toEqual(why === undefined ? { granted: true } : { granted: false, why });
});

it('grants only what is pending, in time, of someone else, and within reach', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...REQUEST_STATUSES),
      fc.integer({ min: -5, max: 5 }),
      fc.constantFrom(...SYSTEM_LEVEL_NAMES),
      fc.constantFrom(...SYSTEM_LEVEL_NAMES),
      fc.constantFrom(1, 2),
      (status, seconds, requiredLevel, level, userId) => {
        const given = { status, expiresAt: at(seconds), userId: 1, requiredLevel, alsoLevels: [] };
        const by = ofLevel(level, userId);
        const may = status === 'pending' && seconds > 0 && userId !== 1 && reaches(by, requiredLevel);
        expect(decide(given, by, NOW).granted).toBe(may);
        expect(stillOpen(given, NOW).granted).toBe(statusAt(given, NOW) === 'pending');
      },
    ),
  );
});
