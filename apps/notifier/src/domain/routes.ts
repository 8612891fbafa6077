import type { ChannelType } from './channel.js';
import { kindOf, typesOf } from './event-catalogue.js';
import { reachesSeverity, type Severity } from './severity.js';

/** Who wants to hear of what: as stored, with the channel's type; only of enabled preferences on enabled channels. */
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
