import { EVENT_TYPES, kindOf, typesOf } from './event-catalogue.js';
import { OWN_WAITS } from './own-waits.js';
import { isForTeam, throughWhich, type KnownChannel, type Preference, type Route } from './routes.js';
import { reachesSeverity } from './severity.js';

export const SKIP_REASONS = [
  'channel_disabled',
  'preference_disabled',
  'below_min_severity',
  'no_preference',
  'other_team',
  'no_address',
  'no_channel',
  'duplicate',
  'own_failure',
  'own_doing',
  'switched_off_by_person',
  ...OWN_WAITS,
  'silenced',
  'fell_back',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/** Somebody who was not told of an event, and why. */
export interface Skip {
  /** Without one where there was none to be told through. */
  readonly channel_id?: number;
  /** Where it is about one person, whose own news it would have been. */
  readonly user_id?: number;
  /** Where it is about one of the channel's recipients. */
  readonly recipient?: string;
  readonly reason: SkipReason;
  /** Where they are told later: from when on. */
  readonly until?: string;
  readonly silence_id?: number;
}

/** For each event type which channels it does not go to, and where it would go twice, of what is about this team's jobs, or no team's. */
export function skipsOf(
  channels: readonly KnownChannel[],
  routes: ReadonlyMap<string, readonly Route[]>,
  team?: number,
): ReadonlyMap<string, readonly Skip[]> {
  return new Map(
    EVENT_TYPES.map((type) => {
      const reached = new Set((routes.get(type) ?? []).map(({ channelId }) => channelId));
      return [
        type,
        channels.flatMap((channel) =>
          skipsOfChannel(
            channel,
            type,
            team,
            reached.has(channel.id),
            throughWhich(channel, channels) !== undefined,
          ),
        ),
      ];
    }),
  );
}

function skipsOfChannel(
  channel: KnownChannel,
  type: string,
  team: number | undefined,
  isReached: boolean,
  hasWay: boolean,
): Skip[] {
  const ofAny = channel.preferences.filter(({ eventType }) => typesOf(eventType).includes(type));
  const asked = ofAny.filter((preference) => isForTeam(preference, team));
  if (isReached) {
    const twice = twiceIn(
      asked.filter((one) => isWanted(one, type)).flatMap((one) => addressesIn(channel, one)),
    );
    return twice.map((recipient) => ({
      channel_id: channel.id,
      ...(recipient === '' ? {} : { recipient }),
      reason: 'duplicate',
    }));
  }
  const isOfOthers = asked.length === 0 && ofAny.length > 0;
  const reason = isOfOthers ? 'other_team' : whyNot(channel, asked, type, hasWay);
  return [{ channel_id: channel.id, reason }];
}

function whyNot(
  channel: KnownChannel,
  asked: readonly Preference[],
  type: string,
  hasWay: boolean,
): SkipReason {
  if (asked.length === 0) return 'no_preference';
  if (!channel.isEnabled)
    return hasWay && asked.some((one) => isWanted(one, type)) ? 'fell_back' : 'channel_disabled';
  const enabled = asked.filter(({ isEnabled }) => isEnabled);
  if (enabled.length === 0) return 'preference_disabled';
  return enabled.some((one) => isWanted(one, type)) ? 'no_address' : 'below_min_severity';
}

const isWanted = ({ isEnabled, minSeverity }: Preference, type: string): boolean =>
  isEnabled && reachesSeverity(kindOf(type).severity, minSeverity);

const addressesIn = ({ type }: KnownChannel, { recipients }: Preference): readonly string[] =>
  type === 'email' ? [...new Set(recipients)] : [''];

const twiceIn = (addresses: readonly string[]): string[] => [
  ...new Set(addresses.filter((address, index) => addresses.indexOf(address) !== index)),
];
