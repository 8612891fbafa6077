import { Controller, Get } from '@nestjs/common';
import { Allow } from '@lineclear/access';
import { Answers, Database } from '@lineclear/kit';
import { z } from 'zod';
import { countChannels } from '../db/channels.repo.js';
import { DELIVERY_STATES } from '../db/delivery.entity.js';
import { countStates } from '../db/history.repo.js';
import { CHANNEL_TYPES } from '../domain/channel.js';
import { EVENT_TYPES, kindOf } from '../domain/event-catalogue.js';
import { SEVERITIES } from '../domain/severity.js';
import { SMTP_PRESETS } from '../domain/smtp-presets.js';

const eventsAnswer = z.object({
  event_types: z.array(
    z.object({ id: z.string(), name: z.string(), category: z.string(), severity: z.enum(SEVERITIES) }),
  ),
});
const presetsAnswer = z.object({
  presets: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      smtp_host: z.string(),
      smtp_port: z.int(),
      smtp_use_tls: z.boolean(),
      note: z.string(),
    }),
  ),
});
const statusAnswer = z.object({
  channels: z.object({
    total: z.int(),
    enabled: z.int(),
    by_type: z.partialRecord(z.enum(CHANNEL_TYPES), z.int()),
  }),
  deliveries: z.record(z.enum(DELIVERY_STATES), z.int()),
});

/** What there is to choose from, and how it goes. */
@Controller('api/cloud/notifications')
export class OverviewController {
  constructor(private readonly database: Database) {}

  @Get('events')
  @Allow('admin.config')
  @Answers(200, eventsAnswer, 'Lists the events that people can be told of')
  events(): z.infer<typeof eventsAnswer> {
    return { event_types: EVENT_TYPES.map((id) => ({ id, ...kindOf(id) })) };
  }

  @Get('presets')
  @Allow('admin.config')
  @Answers(200, presetsAnswer, 'Lists the SMTP settings of well-known mail providers')
  presets(): z.infer<typeof presetsAnswer> {
    return { presets: [...SMTP_PRESETS] };
  }

  @Get('status')
  @Allow('admin.config')
  @Answers(200, statusAnswer, 'Counts channels by type and deliveries by state')
  async status(): Promise<z.infer<typeof statusAnswer>> {
    const { total, enabled, byType } = await countChannels(this.database);
    const counts = await countStates(this.database);
    return {
      channels: {
        total,
        enabled,
        by_type: Object.fromEntries(CHANNEL_TYPES.map((type) => [type, byType[type] ?? 0])),
      },
      deliveries: {
        pending: counts.pending ?? 0,
        retrying: counts.retrying ?? 0,
        sent: counts.sent ?? 0,
        bounced: counts.bounced ?? 0,
        failed: counts.failed ?? 0,
      },
    };
  }
}
