import { Controller, Get, Param } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import { DELIVERY_STATES } from '../db/delivery.entity.js';
import { ownOutcomeOf, type OwnDelivery } from '../db/own-events.repo.js';
import { CHANNEL_TYPES } from '../domain/channel.js';
import { OWN_WAITS } from '../domain/own-waits.js';
import { SKIP_REASONS } from '../domain/skips.js';

const instant = z.iso.datetime();
const told = z.object({
  channel_type: z.enum(CHANNEL_TYPES),
  recipient: z.string(),
  status: z.enum(DELIVERY_STATES),
  waits_for: z.enum(OWN_WAITS).optional(),
  created_at: instant,
  next_attempt_at: instant.optional(),
  finished_at: instant.optional(),
});
const ownEventAnswer = z.object({
  event_id: z.uuid(),
  event_type: z.string(),
  deliveries: z.array(told),
  skipped: z.array(z.object({ reason: z.enum(SKIP_REASONS), until: instant.optional() })),
});

const iso = (time: string): string => new Date(time).toISOString();

const show = (row: OwnDelivery): z.infer<typeof told> => ({
  channel_type: row.channel_type,
  recipient: row.recipient,
  status: row.state,
  ...(row.waits_for === null ? {} : { waits_for: row.waits_for }),
  created_at: iso(row.created_at),
  ...(row.next_attempt_at === null ? {} : { next_attempt_at: iso(row.next_attempt_at) }),
  ...(row.finished_at === null ? {} : { finished_at: iso(row.finished_at) }),
});

/** Why the caller was told of an event, or was not. */
@Controller('api/cloud/notifications/me/events')
export class OwnEventController {
  constructor(private readonly database: Database) {}

  @Get(':event_id')
  @Allow('job.view.own')
  @Answers(200, ownEventAnswer, 'Tells what came of an event for the caller, and nothing of others')
  async outcome(
    @Param('event_id', { schema: z.uuid() }) eventId: string,
    @Who() { user_id }: Principal,
  ): Promise<z.infer<typeof ownEventAnswer>> {
    const { deliveries, skips } = await ownOutcomeOf(this.database, user_id, eventId);
    const eventType = skips[0]?.event_type ?? deliveries[0]?.event_type;
    // What was for others alone is not there.
    if (eventType === undefined) throw new NotFound('event', eventId);
    return {
      event_id: eventId,
      event_type: eventType,
      deliveries: deliveries.map(show),
      skipped: skips.map(({ reason, until }) => ({
        reason,
        ...(until === undefined ? {} : { until }),
      })),
    };
  }
}
