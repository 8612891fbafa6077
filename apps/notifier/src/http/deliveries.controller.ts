import { Controller, Get, Param, Post, Query } from '@nestjs/common';
import { fields } from '@lineclear/contracts';
import { Allow, audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Answers, Conflict, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import { findChannel } from '../db/channels.repo.js';
import { DELIVERY_STATES } from '../db/delivery.entity.js';
import { makeDue } from '../db/deliveries.repo.js';
import { countHistory, findDelivery, listHistory } from '../db/history.repo.js';
import { DIGEST_TYPE } from '../domain/digest.js';
import { CATALOGUE } from '../domain/event-catalogue.js';
import { DeliveryQueue } from '../jobs/delivery-queue.js';
import { deliveryAnswer, showDelivery } from './delivery-answer.js';
import { idParam } from './page.js';

const instant = z.iso.datetime();
const historyQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  /** The last id of the page before. */
  cursor: z.uuid().optional(),
  event_id: z.uuid().optional(),
  job_id: fields.jobId.optional(),
  channel_id: idParam.optional(),
  status: z.enum(DELIVERY_STATES).optional(),
  event_type: z.enum([...Object.keys(CATALOGUE), DIGEST_TYPE]).optional(),
  /** When the event came. */
  since: instant.optional(),
  until: instant.optional(),
});

const historyAnswer = z.object({
  deliveries: z.array(deliveryAnswer),
  total: z.int(),
  next_cursor: z.uuid().optional(),
});
const resendAnswer = z.object({ id: z.uuid(), status: z.enum(DELIVERY_STATES) });

/** What was sent, what was not, and why. */
@Controller('api/cloud/notifications')
export class DeliveriesController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly queue: DeliveryQueue,
  ) {}

  @Get('history')
  @Allow('admin.config')
  @Answers(200, historyAnswer, 'As the list of deliveries')
  async history(
    @Query({ schema: historyQuery }) query: z.infer<typeof historyQuery>,
  ): Promise<z.infer<typeof historyAnswer>> {
    return this.list(query);
  }

  @Get('deliveries')
  @Allow('admin.config')
  @Answers(200, historyAnswer, 'Lists deliveries with their attempts, newest first')
  async list(
    @Query({ schema: historyQuery }) query: z.infer<typeof historyQuery>,
  ): Promise<z.infer<typeof historyAnswer>> {
    const filter = {
      eventId: query.event_id ?? null,
      jobId: query.job_id ?? null,
      channelId: query.channel_id ?? null,
      state: query.status ?? null,
      eventType: query.event_type ?? null,
      since: query.since === undefined ? null : new Date(query.since),
      until: query.until === undefined ? null : new Date(query.until),
    };
    const rows = await listHistory(this.database, filter, query.limit, query.cursor ?? null);
    const last = rows.at(-1);
    return {
      deliveries: rows.map(showDelivery),
      total: await countHistory(this.database, filter),
      ...(last && rows.length === query.limit ? { next_cursor: last.id } : {}),
    };
  }

  @Post('deliveries/:id/resend')
  @Allow('admin.config')
  @Answers(202, resendAnswer, 'Sends a delivery once more, now, with the same id and all its attempts')
  async resend(@Param('id', { schema: z.uuid() }) id: string): Promise<z.infer<typeof resendAnswer>> {
    const found = await findDelivery(this.database, id);
    if (!found) throw new NotFound('delivery', id);
    const channel = await findChannel(this.database, found.channel_id);
    if (!channel) throw new Conflict('its channel was deleted');
    if (!channel.isEnabled) throw new Conflict('its channel is disabled');
    await this.database.tx(async (tx) => {
      await makeDue(tx, id);
      const details = { channel_id: found.channel_id };
      await this.bus.publish(tx, audited('delivery.resent', { target: `delivery/${id}`, details }));
      tx.afterCommit(() => this.queue.hint([found.channel_id]));
    });
    return { id, status: (await findDelivery(this.database, id))?.state ?? found.state };
  }
}
