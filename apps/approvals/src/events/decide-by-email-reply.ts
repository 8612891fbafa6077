import { Controller, Inject } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, event, OnEvent, type Outgoing } from '@lineclear/bus';
import { replyHandled, replyReceived, type AuditActor, type EventOf } from '@lineclear/contracts';
import { Clock, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { Approvers, rightsOf } from '../approvers.js';
import { lockToken, ownerOfToken, spendToken } from '../db/reply-tokens.repo.js';
import { lockRequest } from '../db/requests.repo.js';
import { votesOf } from '../db/votes.repo.js';
import { Decisions } from '../decisions.js';
import {
  judgeReply,
  toldOfWord,
  type Answerer,
  type Asked,
  type Judged,
  type Reply,
  type ReplyOutcome,
  type Told,
} from '../domain/judge-reply.js';
import { votedIn } from '../domain/votes.js';
import { mayDecide } from '../http/deciders.js';

/** Takes the answer to an approval mail as its writer's decision, or tells them why not. */
@Controller()
export class DecideByEmailReply {
  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly decisions: Decisions,
    private readonly approvers: Approvers,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @OnEvent(replyReceived)
  async decide({ data: reply }: EventOf<typeof replyReceived>, tx: Tx): Promise<void> {
    const asked = await this.#asked(reply, tx);
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

  /** What the token names, held until the transaction ends, and its person as auth knows them now. */
  async #asked(reply: Reply, tx: Tx): Promise<Asked | undefined> {
    const userId = await ownerOfToken(tx, reply.token_sha256);
    if (userId === undefined) return undefined;
    // Asked before anything is held: others would wait for the answer too.
    const known = await this.approvers.known(userId);
    const decider = known && (await this.approvers.deciderOf(rightsOf(known)));
    const token = await lockToken(tx, reply.token_sha256);
    const request = token && (await lockRequest(tx, token.requestId));
    if (!request) return undefined;
    const who: Answerer | null = decider && {
      ...decider,
      email: known.email,
      mayDecide: mayDecide(known, request),
    };
    return { token, request, voted: votedIn(request, await votesOf(tx, [request.id])), who };
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
