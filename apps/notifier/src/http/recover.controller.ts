import { Body, Controller, Param, Post } from '@nestjs/common';
import { Allow, audited, nothingChanged } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Answers, BadInput, Clock, Conflict, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import { findChannel, lockChannel } from '../db/channels.repo.js';
import { countGivenUp, recoverGivenUp } from '../db/recover.repo.js';
import { idParam } from './page.js';

/** So many deliveries are recovered in one go. */
const MAX_RECOVERED = 10_000;

const recoverBody = z.strictObject({
  since: z.iso.datetime(),
  /** Now, if it is not given. */
  until: z.iso.datetime().optional(),
  dry_run: z.boolean().default(false),
});
const recoverAnswer = z.object({ count: z.int(), dry_run: z.boolean() });

/** What could not be delivered while an endpoint was away, once it is back. */
@Controller('api/cloud/notifications/channels')
export class RecoverController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  @Post(':id/recover')
  @Allow('admin.config')
  @Answers(200, recoverAnswer, 'Sends again what was given up between two times; `dry_run` only counts it')
  async recover(
    @Param('id', { schema: idParam }) id: number,
    @Body({ schema: recoverBody }) body: z.infer<typeof recoverBody>,
  ): Promise<z.infer<typeof recoverAnswer>> {
    const until = body.until === undefined ? this.clock.now() : new Date(body.until);
    const window = { channelId: id, since: new Date(body.since), until };
    if (window.since > until) throw BadInput.at('until', 'is before since');
    if (!(await findChannel(this.database, id))) throw new NotFound('channel', id);
    const found = await countGivenUp(this.database, window, MAX_RECOVERED + 1);
    if (found > MAX_RECOVERED)
      throw BadInput.at('until', `more than ${MAX_RECOVERED} were given up until then: recover in parts`);
    if (body.dry_run) {
      nothingChanged();
      return { count: found, dry_run: true };
    }
    const count = await this.database.tx(async (tx) => {
      const channel = await lockChannel(tx, id);
      if (!channel) throw new NotFound('channel', id);
      if (!channel.isEnabled) throw new Conflict('the channel is disabled: enable it first');
      const recovered = await recoverGivenUp(tx, window);
      const details = { since: body.since, until: until.toISOString(), count: recovered };
      await this.bus.publish(tx, audited('channel.recovered', { target: `channel/${id}`, details }));
      return recovered;
    });
    return { count, dry_run: false };
  }
}
