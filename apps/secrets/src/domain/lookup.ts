import { GLOBAL, orgScope, teamScope, userScope } from './scopes.js';

/** The sources, in the order in which they are asked unless LINECLEAR_SECRETS_SOURCES says otherwise: the first that has a name wins. */
export const SOURCES = ['environment', 'file', 'aws', 'vault', 'store'] as const;
export type SourceName = (typeof SOURCES)[number];

/** Only the store knows whose a secret is; everything else is everyone's. */
const SOURCES_OF_PEOPLE: readonly SourceName[] = ['store'];

/** The people whose secrets a job may use: its submitter, and the team and the organisation it counts under. */
export interface People {
  readonly userId?: number | undefined;
  readonly teamId?: number | undefined;
  readonly orgId?: number | undefined;
}

/** One of the tries at a job. */
export interface Attempt {
  readonly jobId: string;
  readonly attempt: number;
}

/** On whose behalf a secret is looked for. */
export type Asker =
  | ({
      readonly purpose: 'run';
      /** Which run, where there is one: without it nothing is made for it. */
      readonly of?: Attempt;
    } & People)
  | {
      readonly purpose: 'provider';
      /** Where the provider's policy says; without them, where everybody looks. */
      readonly places?: readonly Place[];
    }
  | { readonly purpose: 'channel' };

export interface Place {
  readonly source: SourceName;
  readonly scope: string;
}

/** The scopes of these people, the nearest first. */
export const scopesOf = ({ userId, teamId, orgId }: People): string[] => [
  ...(userId === undefined ? [] : [userScope(userId)]),
  ...(teamId === undefined ? [] : [teamScope(teamId)]),
  ...(orgId === undefined ? [] : [orgScope(orgId)]),
];

/** Where to look, in order: a run finds its submitter's own secrets first, then its team's and its organisation's, then what everybody shares. */
export function placesFor(asker: Asker, order: readonly SourceName[] = SOURCES): readonly Place[] {
  if (asker.purpose === 'provider' && asker.places) return asker.places;
  const shared = order.map((source) => ({ source, scope: GLOBAL }));
  if (asker.purpose !== 'run') return shared;
  const theirs = scopesOf(asker).flatMap((scope) => SOURCES_OF_PEOPLE.map((source) => ({ source, scope })));
  return [...theirs, ...shared];
}

/** What is wrong with an order of sources: one that is unknown or named twice, or the store left out, which no user's secret could be read without. */
export function faultOfOrder(names: readonly string[]): string | undefined {
  const unknown = names.find((name) => !(SOURCES as readonly string[]).includes(name));
  if (unknown !== undefined)
    return `names a source that does not exist (${JSON.stringify(unknown.slice(0, 40))}); there are ${SOURCES.join(', ')}`;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `names ${twice} twice`;
  return names.includes('store') ? undefined : 'leaves out the store';
}

const CHANNEL_PREFIX = 'channel.';
/** What notification channels were given: written and read by the notifier alone, over the bus. */
export const isChannelName = (name: string): boolean => name.toLowerCase().startsWith(CHANNEL_PREFIX);

/** Whether a place may be asked for a name on this behalf. A run, which anyone may submit, never gets a channel's secret. */
export const mayLook = (asker: Asker, place: Place, name: string): boolean =>
  !isChannelName(name) || (asker.purpose === 'channel' && place.source === 'store');
