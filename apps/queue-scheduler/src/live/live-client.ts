import type { ServerResponse } from 'node:http';
import { can, canFor, tenantOf, type Owner } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { eventId, type Place } from './event-id.js';
import type { RecentEvents } from './recent-events.js';

/** What is written before it is looked whether the reader keeps up: all that a slow one has in memory. */
const EVENTS_AT_ONCE = 100;
const MAX_BLOCKED_BEATS = 4;

/**
 * One open connection: a place among the recent events. It is sent what it may see behind that place, in order, each event
 * once, as fast as it reads. One that stays behind until what it has not read is gone is closed.
 */
export class LiveClient {
  #recent: RecentEvents | undefined;
  #at = 0;
  #isBlocked = false;
  #blockedBeats = 0;

  constructor(
    private readonly response: ServerResponse,
    readonly principal: Principal,
  ) {
    response.on('drain', () => {
      this.#isBlocked = false;
      this.#blockedBeats = 0;
      this.news();
    });
  }

  /** Begins behind the last event it had, where that is known; without one, with what comes. */
  follow(recent: RecentEvents, last: Place | undefined): void {
    this.#recent = recent;
    const isKnown = last?.life === recent.life && recent.after(last.at, 0) !== undefined;
    this.#at = isKnown ? last.at : recent.newest;
    const id = eventId(recent.life, this.#at);
    this.#write(`retry: 2000\nid: ${id}\n\n`);
    if (last !== undefined && !isKnown)
      this.#write(`id: ${id}\nevent: reset\ndata: {"type":"reset","data":{"reason":"too_old"}}\n\n`);
    this.news();
  }

  /** Sends what there is now. */
  news(): void {
    while (this.#recent && !this.#isBlocked && !this.response.destroyed) {
      const next = this.#recent.after(this.#at, EVENTS_AT_ONCE);
      // Coming back, it is told that it missed something.
      if (next === undefined) return this.drop();
      const last = next.at(-1);
      if (last === undefined) {
        this.#at = Math.max(this.#at, this.#recent.newest);
        return;
      }
      this.#at = last.at;
      this.response.cork();
      for (const { owner, frame } of next) if (sees(this.principal, owner)) this.#write(frame);
      this.response.uncork();
    }
  }

  /** A sign of life, with how far it has seen: who sees little is not told later that it is too far behind. */
  heartbeat(now: Date): void {
    const { expires_at: until } = this.principal;
    if (until !== undefined && new Date(until) <= now) return this.drop();
    if (this.#isBlocked) {
      this.#blockedBeats += 1;
      if (this.#blockedBeats >= MAX_BLOCKED_BEATS) this.drop();
    } else if (this.#recent) this.#write(`: still here\nid: ${eventId(this.#recent.life, this.#at)}\n\n`);
  }

  /** It comes back by itself and goes on where it was. */
  drop(): void {
    this.response.destroy();
  }

  #write(text: string | Buffer): void {
    if (this.response.destroyed) return;
    if (!this.response.write(text)) this.#isBlocked = true;
  }
}

// The route let in only who sees their own.
const sees = (who: Principal, owner: Owner | undefined): boolean =>
  owner === undefined
    ? can(who, 'job.view.all') && tenantOf(who) === undefined
    : owner.userId === who.user_id || canFor(who, 'job.view', owner);
