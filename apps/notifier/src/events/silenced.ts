import type { Route } from '../domain/routes.js';
import type { Skip } from '../domain/skips.js';
import type { Silencer } from '../routing/current-routes.js';
import type { AnyEvent } from './deliveries-of-event.js';

/** Where an event goes although some of it is silenced, and what is. */
export function withoutSilenced(
  event: AnyEvent,
  routes: readonly Route[],
  silencer: Silencer,
): { readonly routes: readonly Route[]; readonly skips: readonly Skip[] } {
  const judged = routes.map((route) => ({ route, silence: silencer(event, route.channelId) }));
  return {
    routes: judged.filter(({ silence }) => silence === undefined).map(({ route }) => route),
    skips: judged.flatMap(({ route: { channelId, recipient }, silence }): Skip[] =>
      silence === undefined
        ? []
        : [
            {
              channel_id: channelId,
              ...(recipient === '' ? {} : { recipient }),
              reason: 'silenced',
              silence_id: silence,
            },
          ],
    ),
  };
}
