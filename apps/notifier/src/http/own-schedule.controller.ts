import { Body, Controller, Delete, Get, Put } from '@nestjs/common';
import { Allow, audited, Who } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import type { Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import type { OwnScheduleRow } from '../db/own-schedule.entity.js';
import { deleteOwnSchedule, ownSchedulesOf, saveOwnSchedule } from '../db/own-schedules.repo.js';
import { DAYS } from '../domain/quiet-hours.js';
import { isTimeZone } from '../domain/wall-clock.js';

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is not a time of day as 22:30');
const quietHours = z
  .strictObject({
    start: time,
    end: time,
    days: z
      .array(z.enum(DAYS))
      .min(1)
      .max(DAYS.length)
      .transform((days) => [...new Set(days)])
      .default([...DAYS]),
    also_critical: z.boolean().default(false),
    also_approvals: z.boolean().default(false),
  })
  .refine(({ start, end }) => start !== end, {
    path: ['end'],
    message: 'is the start: to hear of nothing, switch the preference off',
  });
const said = z.strictObject({
  time_zone: z.string().max(64).refine(isTimeZone, 'is not the name of a time zone, as Europe/Berlin'),
  quiet_hours: quietHours.nullable().default(null),
});
const scheduleAnswer = z.object({
  time_zone: z.string(),
  quiet_hours: z
    .object({
      start: z.string(),
      end: z.string(),
      days: z.array(z.enum(DAYS)),
      also_critical: z.boolean(),
      also_approvals: z.boolean(),
    })
    .optional(),
  updated_at: z.iso.datetime(),
});

function show({ time_zone, quiet_hours, updated_at }: OwnScheduleRow): z.infer<typeof scheduleAnswer> {
  const shown = { time_zone, updated_at: updated_at.toISOString() };
  if (!quiet_hours) return shown;
  const { start, end, days, alsoCritical, alsoApprovals } = quiet_hours;
  return {
    ...shown,
    quiet_hours: { start, end, days: [...days], also_critical: alsoCritical, also_approvals: alsoApprovals },
  };
}

/** When the caller wants to hear of things. */
@Controller('api/cloud/notifications/me/schedule')
export class OwnScheduleController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
  ) {}

  @Get()
  @Allow('job.view.own')
  @Answers(200, scheduleAnswer, "Shows the caller's time zone and quiet hours")
  async show(@Who() { user_id }: Principal): Promise<z.infer<typeof scheduleAnswer>> {
    const row = (await ownSchedulesOf(this.database, [user_id])).get(user_id);
    if (!row) throw new NotFound('schedule');
    return show(row);
  }

  @Put()
  @Allow('job.view.own')
  @Answers(200, scheduleAnswer, 'Sets when the caller wants to hear of things')
  async save(
    @Body({ schema: said }) { time_zone, quiet_hours: given }: z.infer<typeof said>,
    @Who() { user_id }: Principal,
  ): Promise<z.infer<typeof scheduleAnswer>> {
    const quiet_hours = given && {
      start: given.start,
      end: given.end,
      days: given.days,
      alsoCritical: given.also_critical,
      alsoApprovals: given.also_approvals,
    };
    return this.database.tx(async (tx) => {
      const row = await saveOwnSchedule(tx, { user_id, time_zone, quiet_hours });
      const details = { time_zone, ...(given ?? { quiet_hours: null }) };
      await this.bus.publish(tx, audited('own_schedule.set', { target: `user/${user_id}`, details }));
      return show(row);
    });
  }

  @Delete()
  @Allow('job.view.own')
  @Answers(204, null, 'Forgets when the caller wants to hear of things: from now on at once')
  async remove(@Who() { user_id }: Principal): Promise<void> {
    await this.database.tx(async (tx) => {
      if (!(await deleteOwnSchedule(tx, user_id))) throw new NotFound('schedule');
      await this.bus.publish(tx, audited('own_schedule.removed', { target: `user/${user_id}` }));
    });
  }
}
