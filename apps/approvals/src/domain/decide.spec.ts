import { reaches, SYSTEM_LEVEL_NAMES, type ApprovalStage, type SystemLevel } from '@lineclear/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { REQUEST_STATUSES, statusAt } from './approval-request.js';
import { decide, mayReview, stillAsked, stillOpen, type Decider } from './decide.js';

const NOW = new Date('2026-11-22T12:00:00Z');
const at = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1_000);
const request = {
  status: 'pending',
  expiresAt: at(60),
  userId: 1,
  orgId: null,
  awaits: 'approvers',
  stages: [{ approvals: 1, levels: ['lead'] }] as ApprovalStage[],
  stage: 0,
} as const;
const asking = (...levels: string[]) => ({ ...request, stages: [{ approvals: 1, levels }] });
const ofTeam = { ...request, stages: [{ approvals: 1, levels: ['lead'], team_id: 4 }] };
const ofLevel = (level: SystemLevel, userId = 2): Decider => ({
  inPlaceOf: [],
  isFallback: false,
  userId,
  username: 'grace',
  teamIds: [],
  level,
  reaches: SYSTEM_LEVEL_NAMES.slice(0, SYSTEM_LEVEL_NAMES.indexOf(level) + 1),
});
const lead = ofLevel('lead');

it.each([
  ['a lead where a lead is asked for', request, lead, undefined],
  ['an admin where a lead is asked for', request, ofLevel('admin'), undefined],
  ['a researcher', request, ofLevel('researcher'), 'level too low'],
  ['a lead where an admin is asked for', asking('admin'), lead, 'level too low'],
  ['a lead where a senior is asked for as well', asking('lead', 'senior'), lead, 'level too low'],
  [
    'a lead who reaches a senior where both are asked for',
    asking('lead', 'senior'),
    { ...lead, reaches: [...lead.reaches, 'senior'] },
    undefined,
  ],
  ['an admin, whatever is asked for', asking('lead', 'gone'), ofLevel('admin'), undefined],
  ['the requester', request, { ...lead, userId: 1 }, 'self-approval'],
  ['the requester, though an admin', request, ofLevel('admin', 1), 'self-approval'],
  ['a lead of another team than is asked', ofTeam, { ...lead, teamIds: [3] }, 'not of the team'],
  ['an admin who is not of the team', ofTeam, ofLevel('admin'), 'not of the team'],
  ['a lead of the team that is asked', ofTeam, { ...lead, teamIds: [3, 4] }, undefined],
  [
    'a lead of another team, asked where nobody else is left',
    ofTeam,
    { ...lead, isFallback: true },
    undefined,
  ],
  [
    'a researcher who is asked where nobody else is left',
    ofTeam,
    { ...ofLevel('researcher'), isFallback: true },
    'level too low',
  ],
  ['somebody who said something already', request, { ...lead, userId: 8 }, 'voted already'],
  ['while the requester is to answer', { ...request, awaits: 'requester' }, lead, 'changes requested'],
  [
    'in the second stage, which asks for more',
    { ...request, stages: [...asking('lead').stages, ...asking('admin').stages], stage: 1 },
    lead,
    'level too low',
  ],
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
  expect(decide(given, by, [8], NOW)).toEqual(
    why === undefined ? { granted: true } : { granted: false, why },
  );
});

const admin = { ...ofLevel('admin', 5), tenant: undefined };
it.each([
  ['an admin who is away', asking('admin'), { ...lead, inPlaceOf: [admin] }, { inPlaceOf: admin }],
  ['an admin, where they may themselves', request, { ...lead, inPlaceOf: [admin] }, {}],
  [
    'somebody of the team who is away',
    ofTeam,
    { ...lead, inPlaceOf: [admin, { ...ofLevel('lead', 6), teamIds: [4], tenant: null }] },
    { inPlaceOf: { userId: 6 } },
  ],
  [
    'the requester, who is away',
    { ...asking('admin'), userId: 5 },
    { ...lead, inPlaceOf: [admin] },
    { granted: false, why: 'level too low' },
  ],
  [
    'an admin who said something before they left',
    asking('admin'),
    { ...lead, inPlaceOf: [{ ...admin, userId: 8 }] },
    { granted: false, why: 'level too low' },
  ],
  [
    'somebody who decides what another organisation asks for',
    { ...asking('admin'), orgId: 2 },
    { ...lead, inPlaceOf: [{ ...admin, tenant: 1 }] },
    { granted: false, why: 'level too low' },
  ],
  [
    'somebody who decides what this organisation asks for',
    { ...asking('admin'), orgId: 2 },
    { ...lead, inPlaceOf: [{ ...admin, tenant: 2 }] },
    { inPlaceOf: { userId: 5 } },
  ],
  [
    'an admin, of a request of their own',
    { ...asking('admin'), userId: 2 },
    { ...lead, inPlaceOf: [admin] },
    { granted: false, why: 'self-approval' },
  ],
] as const)('in place of %s', (_, given, by, decision) => {
  expect(decide(given, by as Decider, [8], NOW)).toMatchObject({ granted: true, ...decision });
});

it.each([
  ['who could have decided it', asking('admin'), admin, undefined],
  ['who could have in place of an admin', asking('admin'), { ...lead, inPlaceOf: [admin] }, undefined],
  ['who could not', asking('admin'), lead, 'level too low'],
  [
    'in place of who passed it',
    { ...asking('admin'), userId: 5 },
    { ...lead, inPlaceOf: [admin] },
    'level too low',
  ],
  ['who passed it', { ...asking('admin'), userId: 5 }, admin, 'self-approval'],
] as const)('%s looks at what was passed: %o', (_, given, by, why) => {
  const decision = mayReview({ ...given, status: 'approved' }, by);
  expect(decision.granted ? undefined : decision.why).toBe(why);
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
        const given = { ...asking(requiredLevel), status, expiresAt: at(seconds) };
        const by = ofLevel(level, userId);
        const may = status === 'pending' && seconds > 0 && userId !== 1 && reaches(by, requiredLevel);
        expect(decide(given, by, [], NOW).granted).toBe(may);
        expect(stillOpen(given, NOW).granted).toBe(statusAt(given, NOW) === 'pending');
      },
    ),
  );
});

it.each([
  ['what it waits for', { stage: 2, round: 3 }, {}, undefined],
  ['an earlier stage', { stage: 1, round: 3 }, {}, 'stage over'],
  ['a stage that is not there yet', { stage: 3, round: 3 }, {}, 'stage over'],
  ['the same stage of an earlier round', { stage: 2, round: 2 }, {}, 'round over'],
  ['anything, once it is decided', { stage: 1, round: 1 }, { status: 'approved' }, 'already decided'],
  ['anything, once it is too late', { stage: 2, round: 3 }, { expiresAt: NOW }, 'expired'],
] as const)('a word on %s', (_, asked, more, why) => {
  const waiting = { status: 'pending', expiresAt: at(60), stage: 1, round: 3, ...more } as const;
  expect(stillAsked(waiting, asked, NOW)).toEqual(
    why === undefined ? { granted: true } : { granted: false, why },
  );
});
