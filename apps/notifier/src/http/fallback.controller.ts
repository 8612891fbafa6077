import { Body, Controller, Delete, Get, Param, Put } from '@nestjs/common';
import { Allow, audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Answers, BadInput, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import { findChannel, lockChannel } from '../db/channels.repo.js';
import { allFallbacks, deleteFallback, saveFallback } from '../db/fallbacks.repo.js';
import { fallbacksOf, faultOfFallback } from '../domain/fallback.js';
import { CurrentRoutes } from '../routing/current-routes.js';
import { idParam } from './page.js';

const said = z.strictObject({ channel_id: z.int().min(1).max(2_147_483_647) });
const fallbackAnswer = z.object({
  channel_id: z.int().optional(),
  /** All that stand in, one for the other. */
  chain: z.array(z.int()),
});

/** What stands in for a channel that is off, or has failed for good. */
@Controller('api/cloud/notifications/channels/:id/fallback')
export class FallbackController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly routes: CurrentRoutes,
  ) {}

  @Get()
  @Allow('admin.config')
  @Answers(200, fallbackAnswer, 'Shows what stands in for a channel')
  async show(@Param('id', { schema: idParam }) id: number): Promise<z.infer<typeof fallbackAnswer>> {
    if (!(await findChannel(this.database, id))) throw new NotFound('channel', id);
    return answerOf(fallbacksOf(await allFallbacks(this.database), id));
  }

  @Put()
  @Allow('admin.config')
  @Answers(200, fallbackAnswer, 'Has another channel stand in for this one')
  async save(
    @Param('id', { schema: idParam }) id: number,
    @Body({ schema: said }) { channel_id: next }: z.infer<typeof said>,
  ): Promise<z.infer<typeof fallbackAnswer>> {
    return this.database.tx(async (tx) => {
      // One change at a time: two that are fine alone could make a circle.
      await this.routes.changedIn(tx);
      const channel = await lockChannel(tx, id);
      if (!channel) throw new NotFound('channel', id);
      const other = await findChannel(tx, next);
      if (!other) throw BadInput.at('channel_id', `there is no channel ${next}`);
      // Whom it goes to must mean the same there, and a mail for one person stays one.
      if (other.type !== channel.type)
        throw BadInput.at('channel_id', `is not a channel of type ${channel.type}`);
      const fallbacks = await allFallbacks(tx);
      const fault = faultOfFallback(fallbacks, id, next);
      if (fault !== undefined) throw BadInput.at('channel_id', fault);
      await saveFallback(tx, id, next);
      const details = { fallback: { from: fallbacks.get(id) ?? null, to: next } };
      await this.bus.publish(tx, audited('channel.changed', { target: `channel/${id}`, details }));
      return answerOf(fallbacksOf(new Map([...fallbacks, [id, next]]), id));
    });
  }

  @Delete()
  @Allow('admin.config')
  @Answers(204, null, 'Has nothing stand in for a channel')
  async remove(@Param('id', { schema: idParam }) id: number): Promise<void> {
    await this.database.tx(async (tx) => {
      await this.routes.changedIn(tx);
      if (!(await deleteFallback(tx, id))) throw new NotFound('fallback of channel', id);
      const details = { fallback: null };
      await this.bus.publish(tx, audited('channel.changed', { target: `channel/${id}`, details }));
    });
  }
}

const answerOf = (chain: number[]): z.infer<typeof fallbackAnswer> => ({
  ...(chain[0] === undefined ? {} : { channel_id: chain[0] }),
  chain,
});
