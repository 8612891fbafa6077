import { Controller, Inject } from '@nestjs/common';
import {
  evaluateJobs,
  type ApprovalNeed,
  type JobFacts,
  type Level,
  type ReplyOf,
  type RequestOf,
} from '@lineclear/contracts';
import { newEventId, OnRequest } from '@lineclear/bus';
import { Clock, CONFIG } from '@lineclear/kit';
import type { Config } from '../config.js';
import { CurrentRules } from '../current-rules.js';
import type { RuleSet } from '../domain/rule-set.js';

const HOUR_MS = 3_600_000;

/** Who decides on what goes beyond a quota. */
const QUOTA_LEVEL: Level = 'lead';

/** What a job needs before it may run, by these rules or by a quota that asks for a human; null when nothing holds it. */
export function needOf(job: JobFacts, rules: RuleSet, now: Date, ttlHours: number): ApprovalNeed | null {
  const hold = rules.hold(job);
  const why = hold
    ? {
        rule_id: hold.rule.id,
        rule_name: hold.rule.name,
        reason: hold.reason,
        required_level: hold.rule.requiredLevel,
      }
    : job.over_quota && {
        rule_id: 0,
        rule_name: 'quota',
        reason: job.over_quota.join('; '),
        required_level: QUOTA_LEVEL,
      };
  return why
    ? {
        approval_id: newEventId(),
        ...why,
        expires_at: new Date(now.getTime() + ttlHours * HOUR_MS).toISOString(),
      }
    : null;
}

/** Answers which jobs a rule holds. Writes nothing: a job that is then not accepted leaves no trace. */
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
        approval: needOf(job, rules, now, this.config.APPROVAL_TTL_HOURS),
      })),
    };
  }
}
