import { Body, Controller, Post } from '@nestjs/common';
import { Allow, nothingChanged, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, AppError } from '@lineclear/kit';
import { z } from 'zod';
import { Approvers, rightsOf } from '../approvers.js';
import { Decisions, type Word } from '../decisions.js';
import type { Decider } from '../domain/decide.js';
import { approveBody, rejectBody } from './request-wire.js';
import { ShownRequests } from './shown-requests.js';

const MAX_IDS = 100;
const ids = {
  request_ids: z
    .array(z.uuid())
    .min(1)
    .max(MAX_IDS)
    .refine((list) => new Set(list).size === list.length, 'names one request twice'),
};
const bulkApproveBody = approveBody.extend(ids);
const bulkRejectBody = rejectBody.extend(ids);
const result = z.object({ request_id: z.uuid(), success: z.boolean(), error: z.string().optional() });
const bulkAnswer = z.object({
  total: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  results: z.array(result),
});

/** Many decisions in one call, each for itself: one that cannot be made keeps none of the others back. */
@Controller('api/approvals/requests')
export class BulkController {
  constructor(
    private readonly decisions: Decisions,
    private readonly approvers: Approvers,
    private readonly requests: ShownRequests,
  ) {}

  @Post('bulk-approve')
  @Allow('admin.approve')
  @Answers(200, bulkAnswer, 'Approves up to 100 requests, each for itself')
  async approve(
    @Body({ schema: bulkApproveBody }) body: z.infer<typeof bulkApproveBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof bulkAnswer>> {
    return this.#decide(body.request_ids, who, { status: 'approved', notes: body.notes ?? null, via: 'api' });
  }

  @Post('bulk-reject')
  @Allow('admin.approve')
  @Answers(200, bulkAnswer, 'Rejects up to 100 requests for one reason, each for itself')
  async reject(
    @Body({ schema: bulkRejectBody }) body: z.infer<typeof bulkRejectBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof bulkAnswer>> {
    return this.#decide(body.request_ids, who, { status: 'rejected', notes: body.reason, via: 'api' });
  }

  async #decide(
    requestIds: readonly string[],
    who: Principal,
    word: Word,
  ): Promise<z.infer<typeof bulkAnswer>> {
    const by = await this.approvers.deciderOf(rightsOf(who));
    const results: z.infer<typeof result>[] = [];
    for (const id of requestIds) {
      const error = await this.#refusal(id, who, by, word);
      results.push({ request_id: id, success: error === undefined, ...(error && { error }) });
    }
    const failed = results.filter(({ success }) => !success).length;
    if (failed === results.length) nothingChanged();
    return { total: results.length, succeeded: results.length - failed, failed, results };
  }

  /** Why this one could not be decided; undefined when it was. */
  async #refusal(id: string, who: Principal, by: Decider, word: Word): Promise<string | undefined> {
    try {
      await this.requests.mustBeDecidableBy(who, id);
      await this.decisions.decide(id, by, word);
      return undefined;
    } catch (error) {
      if (error instanceof AppError && error.status < 500) return error.message;
      throw error;
    }
  }
}
