import { Controller, Get, Param } from '@nestjs/common';
import { Allow } from '@lineclear/access';
import { Answers, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import { findSkips } from '../db/event-skips.repo.js';
import { listHistory, NO_FILTER } from '../db/history.repo.js';
import { SKIP_REASONS } from '../domain/skips.js';
import { deliveryAnswer, showDelivery } from './delivery-answer.js';

/** An event goes to no more than that in one answer; the list of deliveries has them all. */
const MAX_SHOWN = 500;

const outcomeAnswer = z.object({
  event_id: z.uuid(),
  event_type: z.string(),
  deliveries: z.array(deliveryAnswer),
  skipped: z.array(
    z.object({
      channel_id: z.int().optional(),
      user_id: z.int().optional(),
      recipient: z.string().optional(),
      reason: z.enum(SKIP_REASONS),
      until: z.iso.datetime().optional(),
      silence_id: z.int().optional(),
    }),
  ),
});

/** Why somebody was told of an event, or was not. */
@Controller('api/cloud/notifications/events')
export class EventOutcomeController {
  constructor(private readonly database: Database) {}

  @Get(':event_id')
  @Allow('admin.config')
  @Answers(
    200,
    outcomeAnswer,
    'Tells all that came of one event: what was sent, and to whom it was not and why',
  )
  async outcome(
    @Param('event_id', { schema: z.uuid() }) eventId: string,
  ): Promise<z.infer<typeof outcomeAnswer>> {
    const { deliveries, skipped } = await this.database.tx(async (tx) => {
      // As it was at one moment: both are written down together.
      await tx.query('set transaction isolation level repeatable read, read only');
      return {
        deliveries: await listHistory(tx, { ...NO_FILTER, eventId }, MAX_SHOWN, null),
        skipped: await findSkips(tx, eventId),
      };
    });
    const eventType = deliveries[0]?.event_type ?? skipped?.event_type;
    if (eventType === undefined) throw new NotFound('event', eventId);
    return {
      event_id: eventId,
      event_type: eventType,
      deliveries: deliveries.map(showDelivery),
      skipped: skipped?.skips ?? [],
    };
  }
}
