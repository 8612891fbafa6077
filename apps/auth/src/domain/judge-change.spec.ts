import { SYSTEM_LEVELS, type SystemLevel, type Permission } from '@lineclear/contracts';
import { expect, it } from 'vitest';
import { judgeChange, type Standing } from './judge-change.js';

const as = (level: SystemLevel, more: Partial<Standing> = {}): Standing => ({
  level,
  levelPriority: SYSTEM_LEVELS[level].priority,
  isActive: true,
  permissions: SYSTEM_LEVELS[level].permissions,
  ...more,
});
const without = (level: SystemLevel, permission: Permission): Standing =>
  as(level, { permissions: SYSTEM_LEVELS[level].permissions.filter((p) => p !== permission) });
/** An admin by name, with nothing that a lead has not. */
const tamed = as('admin', { permissions: SYSTEM_LEVELS.lead.permissions });
const by = ({ levelPriority, permissions }: Standing, isTarget = false) => ({
  level_priority: levelPriority,
  permissions,
  isTarget,
});
const admin = by(as('admin'));
const oneself = by(as('admin'), true);
const provisioner = by(
  as('admin', { permissions: ['admin.users', ...SYSTEM_LEVELS.researcher.permissions] }),
);
const promotedLead = by(as('lead', { permissions: ['admin.users', ...SYSTEM_LEVELS.lead.permissions] }));

it.each([
  ['an admin makes an admin', admin, undefined, as('admin'), 'allowed'],
  ['an admin demotes an admin', admin, as('admin'), as('viewer'), 'allowed'],
  ['an admin closes a lead', admin, as('lead'), as('lead', { isActive: false }), 'allowed'],
  ['a narrow key makes a researcher', provisioner, undefined, as('researcher'), 'allowed'],
  ['a narrow key makes a lead', provisioner, undefined, as('lead'), 'beyond_caller'],
  ['a narrow key promotes a viewer to admin', provisioner, as('viewer'), as('admin'), 'beyond_caller'],
  ['a narrow key touches an admin', provisioner, as('admin'), as('admin'), 'beyond_caller'],
  ['a narrow key demotes an admin', provisioner, as('admin'), as('viewer'), 'beyond_caller'],
  ['a lead raises above themselves', promotedLead, as('lead'), tamed, 'beyond_caller'],
  ['a lead touches somebody above themselves', promotedLead, tamed, tamed, 'beyond_caller'],
  ['a lead looks after leads', promotedLead, as('viewer'), as('lead'), 'allowed'],
  ['one renames oneself', oneself, as('admin'), as('admin'), 'allowed'],
  ['one demotes oneself', oneself, as('admin'), as('lead'), 'weakens_oneself'],
  ['one closes oneself', oneself, as('admin'), as('admin', { isActive: false }), 'weakens_oneself'],
  ['one denies oneself', oneself, as('admin'), without('admin', 'job.submit'), 'weakens_oneself'],
  [
    'one takes a level and keeps its permissions',
    oneself,
    as('admin'),
    as('lead', { permissions: SYSTEM_LEVELS.admin.permissions }),
    'weakens_oneself',
  ],
  [
    'one lifts one’s own denial',
    { ...oneself, permissions: without('admin', 'queue.manage').permissions },
    without('admin', 'queue.manage'),
    as('admin'),
    'beyond_caller',
  ],
] as const)('%s', (_, caller, before, after, state) => {
  expect(judgeChange(caller, before, after).state).toBe(state);
});

it('names what is missing', () => {
  const caller = by(as('viewer', { permissions: ['admin.users'] }));
  expect(judgeChange(caller, undefined, as('researcher', { permissions: ['config.view'] }))).toEqual({
    state: 'beyond_caller',
    rights: ['level researcher', 'config.view'],
  });
});
