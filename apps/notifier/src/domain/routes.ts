import type { ChannelType } from './channel.js';
import { kindOf, typesOf } from './event-catalogue.js';
import { fallbacksOf } from './fallback.js';
import { reachesSeverity, type Severity } from './severity.js';

/** What somebody wants to hear of, as stored. */
export interface Preference {
  readonly eventType: string;
  readonly minSeverity: Severity;
  readonly isEnabled: boolean;
  readonly recipients: readonly string[];
  /** Only events of this team's jobs. */
  readonly teamId?: number | null;
}

/** Whether this is wanted of events of a team's jobs; without one, of events that say none. */
export const isForTeam = ({ teamId }: Preference, team: number | undefined): boolean =>
  teamId === undefined || teamId === null || teamId === team;

/** A channel with all that is wanted of it. */
export interface KnownChannel {
  readonly id: number;
  readonly type: ChannelType;
  readonly isEnabled: boolean;
  readonly preferences: readonly Preference[];
  /** What stands in for it while it is off. */
  readonly fallbackId?: number | null;
}

/** Who wants to hear of what, with the channel's type; only of enabled preferences on enabled channels. */
export interface Wish {
  readonly eventType: string;
  readonly minSeverity: Severity;
  readonly channelId: number;
  readonly channelType: ChannelType;
  readonly recipients: readonly string[];
  /** The channel that was meant, where another stands in for it. */
  readonly insteadOf?: number | undefined;
}

/** One message to make: a webhook has no recipient but its URL. */
export interface Route {
  readonly channelId: number;
  readonly channelType: ChannelType;
  readonly recipient: string;
  readonly insteadOf?: number | undefined;
}

/** The channel itself, or the first that is on of those that stand in for it. */
export function throughWhich(
  channel: KnownChannel,
  channels: readonly KnownChannel[],
): KnownChannel | undefined {
  if (channel.isEnabled) return channel;
  const byId = new Map(channels.map((one) => [one.id, one]));
  const fallbacks = channels.flatMap(({ id, fallbackId }) =>
    typeof fallbackId === 'number' ? [[id, fallbackId] as const] : [],
  );
  return fallbacksOf(new Map(fallbacks), channel.id)
    .map((id) => byId.get(id))
    .find((one) => one?.isEnabled);
}

/** What is wanted of events of this team's jobs, or of events that say no team. */
export const wishesOf = (channels: readonly KnownChannel[], team?: number): Wish[] =>
  channels.flatMap((channel) => {
    const through = throughWhich(channel, channels);
    if (!through) return [];
    return channel.preferences
      .filter((preference) => preference.isEnabled && isForTeam(preference, team))
      .map(({ eventType, minSeverity, recipients }) => ({
        eventType,
        minSeverity,
        channelId: through.id,
        channelType: through.type,
        recipients,
        ...(through === channel ? {} : { insteadOf: channel.id }),
      }));
  });

/** For each event type where it goes; types that nobody wants are not there. Two wishes for the same make one message. */
export function routesOf(wishes: readonly Wish[]): ReadonlyMap<string, readonly Route[]> {
  const byType = new Map<string, Map<string, Route>>();
  for (const wish of wishes) {
    for (const type of typesOf(wish.eventType)) {
      if (!reachesSeverity(kindOf(type).severity, wish.minSeverity)) continue;
      const routes = byType.get(type) ?? new Map<string, Route>();
      byType.set(type, routes);
      for (const recipient of wish.channelType === 'email' ? wish.recipients : ['']) {
        const { channelId, channelType, insteadOf } = wish;
        const key = `${channelId} ${recipient}`;
        // What a channel is meant to tell itself goes first.
        if (insteadOf !== undefined && routes.has(key)) continue;
        routes.set(key, {
          channelId,
          channelType,
          recipient,
          ...(insteadOf === undefined ? {} : { insteadOf }),
        });
      }
    }
  }
  return new Map([...byType].map(([type, routes]) => [type, [...routes.values()]]));
}
