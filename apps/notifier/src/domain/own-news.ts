import { kindOf } from './event-catalogue.js';
import { ownerOf, whyNoNews } from './own-events.js';
import { wishFor, type OwnPreference } from './own-preferences.js';
import { reachesSeverity } from './severity.js';
import type { SkipReason } from './skips.js';

export type Decision =
  | { readonly tell: true; readonly wish: OwnPreference }
  | { readonly tell: false; readonly reason: SkipReason };

/** Whether somebody is told of an event for being the one it is about. Undefined: it is not about them, or they never asked. */
export function decideOn(
  event: { readonly type: string; readonly data: object },
  person: number,
  preferences: readonly OwnPreference[],
): Decision | undefined {
  if (ownerOf(event) !== person) return undefined;
  const wish = wishFor(event.type, preferences);
  if (!wish) return undefined;
  const known = whyNoNews(event);
  if (known) return { tell: false, reason: known };
  if (!wish.isEnabled) return { tell: false, reason: 'switched_off_by_person' };
  return reachesSeverity(kindOf(event.type).severity, wish.minSeverity)
    ? { tell: true, wish }
    : { tell: false, reason: 'below_min_severity' };
}
