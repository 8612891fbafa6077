import { Controller, Param, Post } from '@nestjs/common';
import { Allow, audited, canFor, Who } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { fields, isFinal, JOB_STATES, type Principal } from '@lineclear/contracts';
import { Answers, Conflict, Database, NotAllowed, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import * as jobs from '../db/jobs.repo.js';
import * as slots from '../db/slots.repo.js';
import { Moves } from '../line/moves.js';

const answer = z.object({ job_id: fields.jobId, status: z.enum(JOB_STATES) });
const SENTENCE =
  'Cancels a job: at once while it waits; a run is asked to stop and the job is cancelling until it has';

/** Ends a job that its owner, or who may cancel all, wants no more. */
@Controller('api')
export class CancelController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly moves: Moves,
  ) {}

  @Post('cloud/jobs/:id/cancel')
  @Allow()
  @Answers(202, answer, SENTENCE)
  async cancelJob(
    @Param('id', { schema: fields.jobId }) id: string,
    @Who() who: Principal,
  ): Promise<z.input<typeof answer>> {
    return this.#cancel(id, who);
  }

  @Post('queue/:job/cancel')
  @Allow()
  @Answers(202, answer, SENTENCE)
  async cancelEntry(
    @Param('job', { schema: fields.jobId }) id: string,
    @Who() who: Principal,
  ): Promise<z.input<typeof answer>> {
    return this.#cancel(id, who);
  }

  async #cancel(id: string, who: Principal): Promise<z.input<typeof answer>> {
    return this.database.tx(async (tx) => {
      await slots.enter(tx);
      const [before] = await jobs.lock(tx, [id]);
      if (!before || !(canFor(who, 'job.view', before) || canFor(who, 'job.cancel', before)))
        throw new NotFound('job', id);
      if (!canFor(who, 'job.cancel', before)) {
        throw new NotAllowed(
          `this needs the permission job.cancel.${before.userId === who.user_id ? 'own' : 'all'}`,
        );
      }
      if (isFinal(before.state)) throw new Conflict(`the job is ${before.state} already`);
      const by = { user_id: who.user_id, username: who.username };
      const after =
        (await this.moves.apply(tx, [{ jobId: id, fact: { kind: 'cancel_requested', by } }])).get(id) ??
        before;
      const details = { user_id: before.userId, status: { from: before.state, to: after.state } };
      await this.bus.publish(tx, audited('job.cancel_requested', { target: `job/${id}`, details }));
      return { job_id: id, status: after.state };
    });
  }
}
