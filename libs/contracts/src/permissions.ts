import { z } from 'zod';

/** The name of a level. Which levels there are is known to auth alone. */
export const levelName = z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, 'is not the name of a level');
export type Level = z.infer<typeof levelName>;
/** Each level has a number of its own, and admin's is the highest: 100. */
export const MAX_LEVELS = 100;

const viewer = ['job.view.own', 'config.view'] as const;
const researcher = ['job.submit', 'job.cancel.own', 'config.create', 'config.edit.own'] as const;
const lead = [
  'job.view.all',
  'job.priority.high',
  'admin.approve',
  'admin.audit',
  'queue.approve',
  'org.view',
  'team.view',
  'team.create',
  'team.manage.members',
] as const;
const admin = [
  'job.cancel.all',
  'job.bypass.queue',
  'job.bypass.approval',
  'config.edit.all',
  'admin.users',
  'admin.config',
  'queue.manage',
  'org.create',
] as const;

/** Every permission there is, named `resource.action[.own|.all]`. */
export const PERMISSIONS = [...viewer, ...researcher, ...lead, ...admin] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** The levels that every house has, lowest first; others may be made between them. */
export const SYSTEM_LEVEL_NAMES = ['viewer', 'researcher', 'lead', 'admin'] as const;
export type SystemLevel = (typeof SYSTEM_LEVEL_NAMES)[number];

/**
 * The permission matrix: each has its own permissions and those of the levels below it. The number orders people and decides
 * whose jobs go first. auth has them in its table: a change here needs a migration there.
 */
export const SYSTEM_LEVELS: Readonly<
  Record<SystemLevel, { readonly priority: number; readonly permissions: readonly Permission[] }>
> = {
  viewer: { priority: 10, permissions: viewer },
  researcher: { priority: 20, permissions: [...viewer, ...researcher] },
  lead: { priority: 30, permissions: [...viewer, ...researcher, ...lead] },
  admin: { priority: 100, permissions: PERMISSIONS },
};

/**
 * Whether somebody may act where a level is asked for: it is theirs or one below it. An admin also where there is no such
 * level any more, so that nothing waits for ever.
 */
export const reaches = (
  who: { readonly level: Level; readonly reaches: readonly Level[] },
  needed: Level,
): boolean => who.level === 'admin' || who.reaches.includes(needed);
