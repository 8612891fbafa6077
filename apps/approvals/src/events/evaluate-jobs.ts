import { Controller, Inject } from '@nestjs/common';
import {
  evaluateJobs,
  type ApprovalNeed,
  type JobFacts,
  type ReplyOf,
  type RequestOf,
} from '@lineclear/contracts';
import { newEventId, OnRequest } from '@lineclear/bus';
import { Clock, CONFIG } from '@lineclear/kit';
import type { Config } from '../config.js';
import { CurrentRules } from '../current-rules.js';
import { needOf } from '../domain/need.js';
import type { RuleSet } from '../domain/rule-set.js';

const HOUR_MS = 3_600_000;

/** What a job needs before it may run, as a request of its own; null when nothing holds it. */
export function requestOf(job: JobFacts, rules: RuleSet, now: Date, ttlHours: number): ApprovalNeed | null {
  const need = needOf(job, rules);
  return (
    need && {
      approval_id: newEventId(),
      ...need,
      expires_at: new Date(now.getTime() + ttlHours * HOUR_MS).toISOString(),
    }
  );
}

/** Answers which jobs are held. Writes nothing: a job that is then not accepted leaves no trace. */
@Controller()
export class EvaluateJobs {
  constructor(
    private readonly rules: CurrentRules,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @OnRequest(evaluateJobs)
  async evaluate({ jobs }: RequestOf<typeof evaluateJobs>): Promise<ReplyOf<typeof evaluateJobs>> {
    const rules = await this.rules.get();
    const now = this.clock.now();
    return {
      verdicts: jobs.map((job) => ({
        job_id: job.job_id,
        approval: requestOf(job, rules, now, this.config.APPROVAL_TTL_HOURS),
      })),
    };
  }
}
