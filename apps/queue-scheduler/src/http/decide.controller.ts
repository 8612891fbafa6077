import { Body, Controller, Param, Post, Query } from '@nestjs/common';
import { actorOf, Allow, nothingChanged, tenantOf, Who } from '@lineclear/access';
import { ask, Bus } from '@lineclear/bus';
import { decideForJob, fields, type Principal, type RequestOf } from '@lineclear/contracts';
import { Answers, BadInput, Conflict, NotAllowed, NotFound } from '@lineclear/kit';
import { z } from 'zod';

const DEADLINE_MS = 5_000;
const words = z.string().trim().min(1).max(2_000);
const approveBody = z.strictObject({ notes: words.optional() }).default({});
const rejectBody = z.strictObject({ reason: words.optional() }).default({});
const rejectQuery = z.strictObject({ reason: words.optional() });
const answer = z.object({
  job_id: fields.jobId,
  approval_id: z.uuid(),
  decision: z.enum(['approved', 'rejected']),
  /** The word counts, and more people are needed: the job waits on. */
  is_open: z.literal(true).optional(),
  decided_at: fields.instant,
});
type Decision = Pick<RequestOf<typeof decideForJob>, 'status' | 'notes'>;

/** The decision that a job waits for, where the queue is looked at. It is approvals that decides and keeps the record. */
@Controller('api/queue')
export class DecideController {
  constructor(private readonly bus: Bus) {}

  @Post(':job/approve')
  @Allow('queue.approve')
  @Answers(200, answer, 'Approves what the job waits for: it goes on to the queue once enough people have')
  async approve(
    @Param('job', { schema: fields.jobId }) id: string,
    @Body({ schema: approveBody }) { notes }: z.infer<typeof approveBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof answer>> {
    return this.#decide(id, { status: 'approved', ...(notes && { notes }) }, who);
  }

  @Post(':job/reject')
  @Allow('queue.approve')
  @Answers(
    200,
    answer,
    'Rejects what the job waits for, with a reason in the body or the query: it is cancelled once enough people have',
  )
  async reject(
    @Param('job', { schema: fields.jobId }) id: string,
    @Body({ schema: rejectBody }) body: z.infer<typeof rejectBody>,
    @Query({ schema: rejectQuery }) query: z.infer<typeof rejectQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof answer>> {
    const reason = body.reason ?? query.reason;
    if (reason === undefined) throw BadInput.at('reason', 'is missing: say why');
    return this.#decide(id, { status: 'rejected', notes: reason }, who);
  }

  async #decide(jobId: string, decision: Decision, who: Principal): Promise<z.infer<typeof answer>> {
    const { level, reaches, teams } = who;
    const tenant = tenantOf(who);
    const reply = await ask(
      this.bus,
      decideForJob,
      {
        job_id: jobId,
        ...decision,
        by: {
          level,
          reaches,
          ...(teams && { team_ids: teams.map(({ id }) => id) }),
          ...(tenant !== undefined && { tenant }),
          actor: actorOf(who),
        },
      },
      DEADLINE_MS,
    );
    // Approvals says whose doing it is.
    nothingChanged();
    if ('decided' in reply) {
      const { approval_id, at, is_open } = reply.decided;
      return {
        job_id: jobId,
        approval_id,
        decision: decision.status,
        decided_at: at,
        ...(is_open && { is_open }),
      };
    }
    const { why, message } = reply.refused;
    if (why === 'not_found') throw new NotFound('approval request of job', jobId);
    throw why === 'conflict' ? new Conflict(message) : new NotAllowed(message);
  }
}
