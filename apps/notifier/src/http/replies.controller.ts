import { Body, Controller, Inject, Post } from '@nestjs/common';
import { Allow, ChangesNothing } from '@lineclear/access';
import { Answers, CONFIG } from '@lineclear/kit';
import type { z } from 'zod';
import type { Config } from '../config.js';
import { readReply } from '../replies/read-reply.js';
import { explainedReply, replyToExplain } from './reply-schemas.js';

/** How answers to approval mails are read. */
@Controller('api/cloud/notifications/replies')
export class RepliesController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  @Post('explain')
  @ChangesNothing()
  @Allow('admin.config')
  @Answers(
    200,
    explainedReply,
    'Tells how an answer to an approval mail would be read, and why; decides nothing',
  )
  explain(
    @Body({ schema: replyToExplain }) body: z.infer<typeof replyToExplain>,
  ): z.infer<typeof explainedReply> {
    const address = body.our_address ?? `approvals@${new URL(this.config.PUBLIC_URL).hostname}`;
    const read = readReply(body, { address });
    if (read.kind !== 'reply') return { outcome: read.kind, why: read.why };
    return {
      outcome: read.verdict,
      own_text: read.ownText,
      ...(read.verdict === 'unclear' ? { why: read.why } : {}),
      ...(read.verdict !== 'unclear' && read.comment !== undefined ? { comment: read.comment } : {}),
    };
  }
}
