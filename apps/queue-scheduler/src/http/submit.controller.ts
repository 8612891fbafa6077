import { Body, Controller, Headers, Param, Post, Res } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import { approvalNeed, fields, JOB_STATES, type Principal } from '@lineclear/contracts';
import { Answers } from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { SubmitBatches } from '../line/submit-batches.js';
import { KEY_HEADER, submitBody, type SubmitBody } from './submit-body.js';
import { keyedOf, Submits, warningsOf } from './submits.js';
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
    const keyed = keyedOf(by, provider, body, oneKey(body.idempotency_key, keyHeader));
    const outcomes = await this.submits.prepare(provider, body, by, keyed).then(
      async (submission) => [await this.batches.submit(submission)],
      (refusal: unknown) => this.submits.repeated([keyed], refusal),
    );
    const stored = await this.submits.stored(outcomes[0]!, provider);
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
}
