import { z } from 'zod';
import { MAIL_KINDS, SENDERS, VERDICTS } from '../domain/received-mail.js';

const NO_BODY = 'say text or html';

export const replyToExplain = z
  .strictObject({
    text: z.string().max(20_000).optional(),
    html: z.string().max(256_000).optional(),
    headers: z
      .record(z.string().min(1).max(100), z.string().max(2_000))
      .refine((headers) => Object.keys(headers).length <= 100, 'has more than 100 headers')
      .default({}),
    /** The address that the approval mail came from. */
    our_address: z.email().max(254).optional(),
  })
  .refine(({ text, html }) => text !== undefined || html !== undefined, { path: ['text'], message: NO_BODY });

export const explainedReply = z.strictObject({
  outcome: z.enum(['approve', 'reject', 'unclear', 'auto_reply', 'bounce', 'list', 'own']),
  why: z.string().optional(),
  comment: z.string().optional(),
  own_text: z.string().optional(),
});

export const receivedQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  /** The last id of the page before. */
  cursor: z.uuid().optional(),
});

export const receivedAnswer = z.object({
  replies: z.array(
    z.object({
      id: z.uuid(),
      channel_id: z.int(),
      uidvalidity: z.int(),
      uid: z.int(),
      message_id: z.string().optional(),
      from: z.string().optional(),
      kind: z.enum(MAIL_KINDS),
      sender: z.enum(SENDERS).optional(),
      verdict: z.enum(VERDICTS).optional(),
      why: z.string().optional(),
      at: z.iso.datetime(),
    }),
  ),
  total: z.int(),
  next_cursor: z.uuid().optional(),
});
