import { Controller, Post } from '@nestjs/common';
import { Allow, nothingChanged } from '@lineclear/access';
import { fields } from '@lineclear/contracts';
import { Answers } from '@lineclear/kit';
import { z } from 'zod';
import { ClaimLoop } from '../line/claim-loop.js';

const processed = z.object({ dispatched: z.int(), job_ids: z.array(fields.jobId) });

/** Lets in whoever may go, without waiting for the next look. */
@Controller('api/queue/process')
export class ProcessController {
  constructor(private readonly loop: ClaimLoop) {}

  @Post()
  @Allow('queue.manage')
  @Answers(200, processed, 'Lets in all who may go right now, and tells who that was')
  async process(): Promise<z.input<typeof processed>> {
    const jobIds = await this.loop.claimNow();
    if (jobIds.length === 0) nothingChanged();
    return { dispatched: jobIds.length, job_ids: jobIds };
  }
}
