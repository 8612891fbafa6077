import type { ChannelType } from './channel.js';
import { kindOf, typesOf } from './event-catalogue.js';
import { reachesSeverity, type Severity } from './severity.js';

/** What somebody wants to hear of, as stored. */
export interface Preference {
  readonly eventType: string;
  readonly minSeverity: Severity;
  readonly isEnabled: boolean;
  readonly recipients: readonly string[];
}

/** A channel with all that is wanted of it. */
export interface KnownChannel {
  readonly id: number;
  readonly type: ChannelType;
  readonly isEnabled: boolean;
  readonly preferences: readonly Preference[];
}

/** Who wants to hear of what, with the channel's type; only of enabled preferences on enabled channels. */
export interface Wish {
  readonly eventType: string;
  readonly minSeverity: Severity;
  readonly channelId: number;
  readonly channelType: ChannelType;
  readonly recipients: readonly string[];
}

/** One message to make: a webhook has no recipient but its URL. */
export interface Route {
  readonly channelId: number;
  readonly channelType: ChannelType;
  readonly recipient: string;
}

export const wishesOf = (channels: readonly KnownChannel[]): Wish[] =>
  channels
    .filter(({ isEnabled }) => isEnabled)
    .flatMap(({ id, type, preferences }) =>
      preferences
        .filter(({ isEnabled }) => isEnabled)
        .map(({ eventType, minSeverity, recipients }) => ({
          eventType,
          minSeverity,
          channelId: id,
          channelType: type,
          recipients,
        })),
    );

/** For each event type where it goes; types that nobody wants are not there. Two wishes for the same make one message. */
export function routesOf(wishes: readonly Wish[]): ReadonlyMap<string, readonly Route[]> {
  const byType = new Map<string, Map<string, Route>>();
  for (const wish of wishes) {
    for (const type of typesOf(wish.eventType)) {
      if (!reachesSeverity(kindOf(type).severity, wish.minSeverity)) continue;
      const routes = byType.get(type) ?? new Map<string, Route>();
      byType.set(type, routes);
      for (const recipient of wish.channelType === 'email' ? wish.recipients : ['']) {
        const { channelId, channelType } = wish;
        routes.set(`${channelId} ${recipient}`, { channelId, channelType, recipient });
      }
    }
  }
  return new Map([...byType].map(([type, routes]) => [type, [...routes.values()]]));
}
