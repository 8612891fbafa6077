import { Body, Controller, Get, Inject, Post, Query } from '@nestjs/common';
import { Allow, ChangesNothing } from '@lineclear/access';
import { Answers, CONFIG, Database } from '@lineclear/kit';
import type { z } from 'zod';
import type { Config } from '../config.js';
import type { ReceivedMailRow } from '../db/mailbox.entity.js';
import { countReceived, listReceived } from '../db/mailboxes.repo.js';
import { readReply } from '../replies/read-reply.js';
import { explainedReply, receivedAnswer, receivedQuery, replyToExplain } from './reply-schemas.js';

/** Answers to approval mails: which came, and how they are read. */
@Controller('api/cloud/notifications/replies')
export class RepliesController {
  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get()
  @Allow('admin.config')
  @Answers(200, receivedAnswer, 'Lists the mails that were read from mailboxes, newest first')
  async list(
    @Query({ schema: receivedQuery }) { limit, cursor }: z.infer<typeof receivedQuery>,
  ): Promise<z.infer<typeof receivedAnswer>> {
    const rows = await listReceived(this.database, limit, cursor ?? null);
    const last = rows.at(-1);
    return {
      replies: rows.map(show),
      total: await countReceived(this.database),
      ...(last && rows.length === limit ? { next_cursor: last.id } : {}),
    };
  }

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
    const read = readReply(body, { addresses: [address] });
    if (read.kind !== 'reply') return { outcome: read.kind, why: read.why };
    return {
      outcome: read.verdict,
      own_text: read.ownText,
      ...(read.verdict === 'unclear' ? { why: read.why } : {}),
      ...(read.verdict !== 'unclear' && read.comment !== undefined ? { comment: read.comment } : {}),
    };
  }
}

const show = (row: ReceivedMailRow): z.infer<typeof receivedAnswer>['replies'][number] => ({
  id: row.id,
  channel_id: row.channel_id,
  uidvalidity: row.uidvalidity,
  uid: row.uid,
  ...(row.message_id === null ? {} : { message_id: row.message_id }),
  ...(row.from_address === null ? {} : { from: row.from_address }),
  kind: row.kind,
  ...(row.sender === null ? {} : { sender: row.sender }),
  ...(row.verdict === null ? {} : { verdict: row.verdict }),
  ...(row.why === null ? {} : { why: row.why }),
  at: row.at.toISOString(),
});
