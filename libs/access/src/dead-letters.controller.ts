import { Controller, Delete, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { Bus, DeadLetters } from '@lineclear/bus';
import { Answers, Database, NotFound, SERVICE_NAME } from '@lineclear/kit';
import { z } from 'zod';
import { audited } from './audited.js';
import { Allow } from './decorators.js';

const id = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: id.optional(),
});
const letter = z.object({
  id: z.int(),
  event_type: z.string(),
  event_id: z.string(),
  reason: z.string(),
  deliveries: z.int(),
  died_at: z.string(),
  event: z.unknown(),
});

/** The events a service gave up on. In every service, for its own. */
@Controller('api/system/dead-letters/:service')
export class DeadLettersController {
  constructor(
    private readonly deadLetters: DeadLetters,
    private readonly bus: Bus,
    private readonly database: Database,
    @Inject(SERVICE_NAME) private readonly service: string,
  ) {}

  @Get()
  @Allow('admin.config')
  @Answers(
    200,
    z.object({ items: z.array(letter), next_cursor: z.int().optional() }),
    'Lists the events this service gave up on, newest first',
  )
  async list(
    @Param('service') service: string,
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
  ): Promise<object> {
    this.#mine(service);
    const items = await this.deadLetters.list(query.limit, query.cursor);
    const last = items.at(-1);
    return { items, ...(items.length === query.limit && last ? { next_cursor: last.id } : {}) };
  }

  @Post(':id/replay')
  @Allow('admin.config')
  @Answers(
    202,
    z.object({ replayed: z.int() }),
    'Gives the event to this service once more and removes the dead letter',
  )
  async replay(
    @Param('service') service: string,
    @Param('id', { schema: id }) letterId: number,
  ): Promise<object> {
    this.#mine(service);
    await this.deadLetters.replay(letterId);
    await this.#record('dead_letter.replayed', letterId);
    return { replayed: letterId };
  }

  @Delete(':id')
  @Allow('admin.config')
  @Answers(200, z.object({ discarded: z.int() }), 'Discards the dead letter')
  async discard(
    @Param('service') service: string,
    @Param('id', { schema: id }) letterId: number,
  ): Promise<object> {
    this.#mine(service);
    await this.deadLetters.discard(letterId);
    await this.#record('dead_letter.discarded', letterId);
    return { discarded: letterId };
  }

  async #record(action: string, letterId: number): Promise<void> {
    const target = `dead_letter/${this.service}/${letterId}`;
    await this.database.tx((tx) => this.bus.publish(tx, audited(action, { target })));
  }

  #mine(service: string): void {
    if (service !== this.service) throw new NotFound('service here', service);
  }
}
