import { Controller, Get } from '@nestjs/common';
import { WIRING } from '@lineclear/contracts';
import { Allow } from '@lineclear/access';
import { Answers } from '@lineclear/kit';
import { z } from 'zod';
import { EVENT_TYPES, kindOf } from '../domain/event-catalogue.js';
import { EVENT_DETAILS } from '../domain/event-details.js';
import { dataSchemaOf } from '../domain/event-schema.js';
import { messageOf } from '../domain/message.js';
import { SEVERITIES } from '../domain/severity.js';

const EXAMPLE_TIME = '2026-11-22T14:30:00.000Z';

const eventTypesAnswer = z.object({
  event_types: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      category: z.string(),
      severity: z.enum(SEVERITIES),
      description: z.string(),
      /** Of `data` in the example. */
      data_schema: z.record(z.string(), z.unknown()),
      example: z.object({
        type: z.string(),
        timestamp: z.iso.datetime(),
        data: z.record(z.string(), z.unknown()),
      }),
    }),
  ),
});

/** What whoever writes a receiver has to know of each event. */
@Controller('api/cloud/notifications')
export class EventTypesController {
  #answer: z.infer<typeof eventTypesAnswer> | undefined;

  @Get('event-types')
  @Allow('admin.config')
  @Answers(
    200,
    eventTypesAnswer,
    'Tells of each event what it means, what its data look like, and gives an example',
  )
  eventTypes(): z.infer<typeof eventTypesAnswer> {
    return (this.#answer ??= { event_types: EVENT_TYPES.map(describe) });
  }
}

function describe(id: string): z.infer<typeof eventTypesAnswer>['event_types'][number] {
  const def = WIRING.notifier.consumes.find(({ name }) => name === id)!;
  const { description, example: data } = EVENT_DETAILS[id]!;
  const { name, category, severity } = kindOf(id);
  const example = messageOf({ type: id, time: EXAMPLE_TIME, data });
  return { id, name, category, severity, description, data_schema: dataSchemaOf(def), example };
}
