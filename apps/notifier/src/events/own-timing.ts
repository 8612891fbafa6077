import { Injectable } from '@nestjs/common';
import { Clock, type Tx } from '@lineclear/kit';
import { countTold } from '../db/collected.repo.js';
import { ownSchedulesOf } from '../db/own-schedules.repo.js';
import { kindOf } from '../domain/event-catalogue.js';
import { typesUnder, type OwnPreference } from '../domain/own-preferences.js';
import type { Held, OwnWait } from '../domain/own-waits.js';
import type { Skip } from '../domain/skips.js';
import { heldBy, whenToTell, type Schedule, type What, type When } from '../domain/when-to-tell.js';

/** When people are told of things, as they wish. */
@Injectable()
export class OwnTiming {
  constructor(private readonly clock: Clock) {}

  /** For one batch of events, and these people. */
  async of(tx: Tx, people: readonly number[]): Promise<Timing> {
    const rows = people.length === 0 ? new Map() : await ownSchedulesOf(tx, people);
    const schedules = [...rows].map(
      ([person, { time_zone, quiet_hours }]) =>
        [person, { timeZone: time_zone, quietHours: quiet_hours }] as const,
    );
    return new Timing(tx, new Map(schedules), this.clock.now());
  }
}

/** The same at one moment, with what was told since it. */
class Timing {
  readonly #told = new Map<string, number>();

  constructor(
    private readonly tx: Tx,
    private readonly schedules: ReadonlyMap<number, Schedule>,
    private readonly now: Date,
  ) {}

  /** Until when quiet hours hold this. */
  heldFor(person: number, eventType: string): Held | undefined {
    return heldBy(this.schedules.get(person), whatIs(eventType), this.now);
  }

  /** `wish`: the one of the person's `preferences` that counts for it. */
  async when(
    person: number,
    eventType: string,
    wish: OwnPreference,
    preferences: readonly OwnPreference[],
  ): Promise<When> {
    const key = `${person} ${wish.eventType}`;
    const told = this.#told.get(key) ?? (await this.#toldBefore(person, wish, preferences));
    const when = whenToTell(whatIs(eventType), wish, this.schedules.get(person), told, this.now);
    this.#told.set(key, when.how === 'together' ? told : told + 1);
    return when;
  }

  /** What a delivery that is held has of it. */
  waitOf({ why, until }: Held): { waitsFor: OwnWait; waitSeconds: number } {
    return { waitsFor: why, waitSeconds: (until.getTime() - this.now.getTime()) / 1_000 };
  }

  async #toldBefore(
    person: number,
    wish: OwnPreference,
    preferences: readonly OwnPreference[],
  ): Promise<number> {
    const { throttle } = wish;
    return throttle ? countTold(this.tx, person, typesUnder(wish, preferences), throttle.perMinutes) : 0;
  }
}

// To be asked is more urgent than to be told.
const ASKS: readonly string[] = [
  'approval.required',
  'approval.reminder',
  'approval.stage_started',
  'approval.escalated',
];

const whatIs = (eventType: string): What => ({
  severity: kindOf(eventType).severity,
  isApproval: ASKS.includes(eventType),
});

/** Why somebody was not told at once. */
export const skipOf = (person: number, { why, until }: Held): Skip => ({
  user_id: person,
  reason: why,
  until: until.toISOString(),
});
