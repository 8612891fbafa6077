/** The four levels, lowest first; a level's number orders people and decides whose jobs go first. */
export const LEVELS = ['viewer', 'researcher', 'lead', 'admin'] as const;
export type Level = (typeof LEVELS)[number];
export const LEVEL_PRIORITY: Readonly<Record<Level, number>> = {
  viewer: 10,
  researcher: 20,
  lead: 30,
  admin: 100,
};

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

/** The permission matrix: each level has its own permissions and those of the levels below it. */
export const LEVEL_PERMISSIONS: Readonly<Record<Level, readonly Permission[]>> = {
  viewer,
  researcher: [...viewer, ...researcher],
  lead: [...viewer, ...researcher, ...lead],
  admin: PERMISSIONS,
};

/**
 * Whether somebody may act where a level is asked for: it is theirs or one below it. An admin also where there is no such
 * level any more, so that nothing waits for ever.
 */
export const reaches = (
  who: { readonly level: Level; readonly reaches: readonly Level[] },
  needed: Level,
): boolean => who.level === 'admin' || who.reaches.includes(needed);
