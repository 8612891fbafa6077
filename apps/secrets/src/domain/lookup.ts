/** The sources, the first that has a name wins. */
export const SOURCES = ['environment', 'store'] as const;
export type SourceName = (typeof SOURCES)[number];

export const GLOBAL = 'global';
/** Only the store knows whose a secret is; the environment is everyone's. */
const SOURCES_OF_USERS: readonly SourceName[] = ['store'];
export const userScope = (userId: number): string => `user:${userId}`;

/** On whose behalf a secret is looked for. */
export type Asker =
  | { readonly purpose: 'run'; readonly userId: number }
  | { readonly purpose: 'provider' }
  | { readonly purpose: 'channel' };

export interface Place {
  readonly source: SourceName;
  readonly scope: string;
}

/** Where to look, in order: a run finds its submitter's own secrets first, then those that everybody shares. */
export function placesFor(asker: Asker): Place[] {
  const shared = SOURCES.map((source) => ({ source, scope: GLOBAL }));
  if (asker.purpose !== 'run') return shared;
  return [...SOURCES_OF_USERS.map((source) => ({ source, scope: userScope(asker.userId) })), ...shared];
}

const CHANNEL_PREFIX = 'channel.';
/** What notification channels were given: written and read by the notifier alone, over the bus. */
export const isChannelName = (name: string): boolean => name.toLowerCase().startsWith(CHANNEL_PREFIX);

/** Whether a place may be asked for a name on this behalf. A run, which anyone may submit, never gets a channel's secret. */
export const mayLook = (asker: Asker, place: Place, name: string): boolean =>
  !isChannelName(name) || (asker.purpose === 'channel' && place.source === 'store');
