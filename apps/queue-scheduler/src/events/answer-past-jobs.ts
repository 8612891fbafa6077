import { Controller } from '@nestjs/common';
import { OnRequest } from '@lineclear/bus';
import { pastJobs, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { Database } from '@lineclear/kit';
import * as jobs from '../db/jobs.repo.js';

/** Tells what rules looked at of the jobs of some time, for whoever wants to know what other rules would have said. */
@Controller()
export class AnswerPastJobs {
  constructor(private readonly database: Database) {}

  @OnRequest(pastJobs)
  async answer({
    since,
    after,
    tenant,
    limit,
  }: RequestOf<typeof pastJobs>): Promise<ReplyOf<typeof pastJobs>> {
    return { jobs: await jobs.factsSince(this.database, new Date(since), { after, tenant, limit }) };
  }
}
