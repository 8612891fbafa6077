import { Body, Controller, Headers, Param, Post, Res } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import { approvalNeed, fields, JOB_STATES, type Principal } from '@lineclear/contracts';
import { Answers } from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { StoreSubmits } from '../line/store-submits.js';
import type { Outcome, Submission } from '../line/submission.js';
import { SubmitBatches } from '../line/submit-batches.js';
import { KEY_HEADER, submitBody, type SubmitBody } from './submit-body.js';
import { Submits, warningsOf } from './submits.js';
import { oneKey } from './wanted.js';

const accepted = z.object({
  job_id: fields.jobId,
  status: z.enum(JOB_STATES),
  estimated_cost_usd: fields.costUsd,
  approval: z
    .object({
      id: z.uuid(),
      reason: fields.reason,
      rule: z.string(),
      required_level: approvalNeed.shape.required_level,
      expires_at: fields.instant,
    })
    .optional(),
  warnings: z.array(z.string()),
});

/** Takes jobs in. */
@Controller('api/cloud')
export class SubmitController {
  constructor(
    private readonly submits: Submits,
    private readonly batches: SubmitBatches,
    private readonly store: StoreSubmits,
  ) {}

  @Post(':provider/submit')
  @Allow('job.submit')
  @Answers(202, accepted, 'Submits a job; it runs once no rule holds it and it is its turn')
  async submit(
    @Param('provider', { schema: fields.provider }) provider: string,
    @Body({ schema: submitBody }) body: SubmitBody,
    @Headers(KEY_HEADER) keyHeader: string | undefined,
    @Who() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.input<typeof accepted>> {
    const key = oneKey(body.idempotency_key, keyHeader);
    const { submission, refusal } = await this.submits.prepare(provider, body, by, key);
    const outcome = refusal
      ? await this.#onlyRepeated(submission, refusal)
      : await this.batches.submit(submission);
    const stored = await this.submits.stored(outcome, provider);
    const { job } = stored;
    void reply.header('location', `/api/cloud/jobs/${job.id}`);
    return {
      job_id: job.id,
      status: job.state,
      estimated_cost_usd: job.estimatedCostUsd,
      ...(job.approval === null
        ? {}
        : {
            approval: {
              id: job.approval.approval_id,
              reason: job.approval.reason,
              rule: job.approval.rule_name,
              required_level: job.approval.required_level,
              expires_at: job.approval.expires_at,
            },
          }),
      warnings: warningsOf(stored),
    };
  }

  /** What came later takes no answer back: the job of a known key is told of again, and nothing is stored. */
  async #onlyRepeated(submission: Submission, refusal: Error): Promise<Outcome> {
    const known = await this.store.known(submission);
    if (!known) throw refusal;
    return known;
  }
}
