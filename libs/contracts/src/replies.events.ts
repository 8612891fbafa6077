import { z } from 'zod';
import { defineEvent } from './event.js';
import { email, reason } from './fields.js';

/**
 * Somebody answered an approval mail. Of the token its SHA-256 (hex), so that no token travels. `sender` says what stands
 * behind the From address: an aligned DMARC pass, or the word of a relay that the configuration trusts. Nobody decides as
 * `unproven`.
 */
export const replyReceived = defineEvent(
  'email.reply_received',
  z.object({
    mail_id: z.uuid(),
    token_sha256: z.string().regex(/^[0-9a-f]{64}$/),
    from: email,
    sender: z.enum(['dmarc', 'trusted_relay', 'unproven']),
    verdict: z.enum(['approve', 'reject', 'unclear']),
    /** Why it is unclear. */
    why: reason.optional(),
    /** What they wrote beside their word. */
    comment: reason.optional(),
  }),
);

/**
 * An approval mail did not reach whom it was for: their mail server refused it for good, or they are away, as it says. Of the
 * mail's token its SHA-256 (hex).
 */
export const approverUnreached = defineEvent(
  'email.approver_unreached',
  z.object({
    mail_id: z.uuid(),
    token_sha256: z.string().regex(/^[0-9a-f]{64}$/),
    why: z.enum(['bounced', 'away']),
    /** What their server or they say. */
    detail: reason.optional(),
  }),
);

/** What became of such an answer: whoever wrote it is told. */
export const replyHandled = defineEvent(
  'approval.reply_handled',
  z.object({
    mail_id: z.uuid(),
    to: email,
    outcome: z.enum([
      'approved',
      'rejected',
      // It counts, and more people are needed.
      'counted',
      'unclear',
      'unproven',
      'token_unknown',
      'token_spent',
      'not_the_approver',
      'not_allowed',
      'closed',
    ]),
    message: z.string().max(500),
    /** The request it was about, where the token names one. */
    approval_id: z.uuid().optional(),
  }),
);
