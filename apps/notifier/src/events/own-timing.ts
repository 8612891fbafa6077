import { Injectable } from '@nestjs/common';
import { Clock, type Tx } from '@lineclear/kit';
import type { OwnScheduleRow } from '../db/own-schedule.entity.js';
import { ownSchedulesOf } from '../db/own-schedules.repo.js';
import { kindOf } from '../domain/event-catalogue.js';
import type { Held, OwnWait } from '../domain/own-waits.js';
import { isHeld, quietUntil } from '../domain/quiet-hours.js';
import type { Skip } from '../domain/skips.js';

export type HeldFor = (person: number, eventType: string) => Held | undefined;

/** Knows until when what is for a person waits, as they wish. */
@Injectable()
export class OwnTiming {
  constructor(private readonly clock: Clock) {}

  /** For these people, as it is now. */
  async of(tx: Tx, people: readonly number[]): Promise<HeldFor> {
    const schedules = people.length === 0 ? new Map() : await ownSchedulesOf(tx, people);
    const now = this.clock.now();
    return (person, eventType) => heldBy(schedules.get(person), eventType, now);
  }

  /** What a delivery that is held has of it. */
  waitOf({ why, until }: Held): { waitsFor: OwnWait; waitSeconds: number } {
    return {
      waitsFor: why,
      waitSeconds: Math.max(0, until.getTime() - this.clock.now().getTime()) / 1_000,
    };
  }
}

/** Why somebody was not told at once. */
export const skipOf = (person: number, { why, until }: Held): Skip => ({
  user_id: person,
  reason: why,
  until: until.toISOString(),
});

// To be asked is more urgent than to be told.
const ASKS: readonly string[] = [
  'approval.required',
  'approval.reminder',
  'approval.stage_started',
  'approval.escalated',
];

function heldBy(schedule: OwnScheduleRow | undefined, eventType: string, now: Date): Held | undefined {
  if (!schedule?.quiet_hours) return undefined;
  const what = { severity: kindOf(eventType).severity, isApproval: ASKS.includes(eventType) };
  if (!isHeld(schedule.quiet_hours, what)) return undefined;
  const until = quietUntil(schedule.quiet_hours, schedule.time_zone, now);
  return until && { why: 'quiet_hours', until };
}
