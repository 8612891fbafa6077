import { Controller, Post } from '@nestjs/common';
import { Allow, nothingChanged } from '@lineclear/access';
import { Answers } from '@lineclear/kit';
import { z } from 'zod';
import { COUNTERS } from '../db/counters.js';
import { Recount } from '../jobs/recount.js';

const MAX_SHOWN = 500;
const figures = z.record(z.string(), z.number());
const cleanup = z.object({
  checked: z.array(z.string()),
  total: z.int(),
  repairs: z.array(z.object({ what: z.string(), of: z.string(), kept: figures, counted: figures })),
});

/** Puts the queue's figures right. */
@Controller('api/queue/cleanup')
export class CleanupController {
  constructor(private readonly recount: Recount) {}

  @Post()
  @Allow('queue.manage')
  @Answers(200, cleanup, 'Counts slots, lanes and usage anew from the jobs, and repairs what is wrong')
  async cleanup(): Promise<z.input<typeof cleanup>> {
    const repairs = await this.recount.run();
    if (repairs.length === 0) nothingChanged();
    return {
      checked: COUNTERS.map(({ what }) => what),
      total: repairs.length,
      repairs: repairs.slice(0, MAX_SHOWN),
    };
  }
}
