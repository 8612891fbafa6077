import { Controller, Inject } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, event, OnEvent, type Outgoing } from '@lineclear/bus';
import { replyHandled, replyReceived, type AuditActor, type EventOf } from '@lineclear/contracts';
import { Clock, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { AskedByToken } from '../asked-by-token.js';
import { spendToken } from '../db/reply-tokens.repo.js';
import { Decisions } from '../decisions.js';
import type { Answerer, Asked, ReplyOutcome, Told } from '../domain/judge-asked.js';
import { judgeReply, toldOfWord, type Judged, type Reply } from '../domain/judge-reply.js';

/** Takes the answer to an approval mail as its writer's decision, or tells them why not. */
@Controller()
export class DecideByEmailReply {
  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly decisions: Decisions,
    private readonly askedByToken: AskedByToken,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @OnEvent(replyReceived)
  async decide({ data: reply }: EventOf<typeof replyReceived>, tx: Tx): Promise<void> {
    const asked = await this.askedByToken.find(tx, reply.token_sha256, 'reply');
    const now = this.clock.now();
    const judged = judgeReply(reply, asked, now);
    const { outcome, message } = 'by' in judged ? await this.#count(judged, reply, asked!, tx) : judged;
    const approval = asked?.request.id;
    this.log.info(
      { mail_id: reply.mail_id, approval_id: approval, outcome },
      'an approval mail was answered',
    );
    const told = event(
      replyHandled,
      {
        mail_id: reply.mail_id,
        to: reply.from,
        outcome,
        message,
        ...(approval && { approval_id: approval }),
      },
      { about: `reply/${reply.mail_id}` },
    );
    await this.bus.publish(tx, told, ...refusalOf(outcome, reply, asked));
  }

  async #count(
    { outcome, by, notes }: Extract<Judged, { by: Answerer }>,
    reply: Reply,
    { request }: Asked,
    tx: Tx,
  ): Promise<Told> {
    if (!(await spendToken(tx, reply.token_sha256, this.clock.now())))
      throw new Error('a token was spent while it was held');
    const after = await this.decisions.decideIn(
      tx,
      request.id,
      by,
      { status: outcome, notes, via: 'email' },
      actorOf(by),
    );
    return toldOfWord(outcome, after);
  }
}

const actorOf = ({ userId, username }: Answerer): AuditActor => ({ user_id: userId, username, via: 'email' });

const NOT_REFUSED: ReadonlySet<ReplyOutcome> = new Set(['approved', 'rejected', 'counted', 'unclear']);

/** The audit log's entry on an answer that held a token and decided nothing by it; one that was not understood is none. */
function refusalOf(outcome: ReplyOutcome, { mail_id, from }: Reply, asked: Asked | undefined): Outgoing[] {
  if (!asked || NOT_REFUSED.has(outcome)) return [];
  const { request, token, who } = asked;
  // Whose an answer is that comes from elsewhere nobody knows.
  const isTheirs = outcome !== 'unproven' && outcome !== 'not_the_approver';
  return [
    audited('approval.reply_refused', {
      outcome: 'refused',
      target: `approval/${request.id}`,
      details: { why: outcome, from, mail_id, job_id: request.jobId, asked_user_id: token.userId },
      ...(isTheirs && who && { actor: actorOf(who) }),
    }),
  ];
}
