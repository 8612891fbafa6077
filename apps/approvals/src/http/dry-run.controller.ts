import { Body, Controller, Post } from '@nestjs/common';
import { Allow, ChangesNothing } from '@lineclear/access';
import { approvalNeed, jobFacts, type JobFacts } from '@lineclear/contracts';
import { Answers, Database } from '@lineclear/kit';
import { z } from 'zod';
import { combineOf, listRules } from '../db/rules.repo.js';
import { needOf } from '../domain/need.js';
import { RuleSet, type Explained } from '../domain/rule-set.js';
import { draftRules, MAX_DRAFTS } from './draft-rules.js';
import { newRule } from './rule-wire.js';

const dryRun = z.strictObject({
  job: z.strictObject({
    ...jobFacts.pick({
      provider: true,
      config_name: true,
      hardware: true,
      estimated_cost_usd: true,
      org_id: true,
      team_ids: true,
    }).shape,
    level: jobFacts.shape.level.default('researcher'),
    username: jobFacts.shape.username.default('somebody'),
    user_id: jobFacts.shape.user_id.default(1),
    jobs_last_24h: jobFacts.shape.jobs_last_24h.default(0),
    first_job: jobFacts.shape.first_job.default(false),
  }),
  /** Rules that are not set yet; without it, those that are. */
  rules: z.array(newRule).max(MAX_DRAFTS).optional(),
});

const dryRunAnswer = z.object({
  rules: z.array(
    z.object({
      /** Of a draft its place in what was sent, from 1. */
      id: z.int(),
      name: z.string(),
      matched: z.boolean(),
      /** Why it holds the job. */
      reason: z.string().optional(),
      /** What of the rule the job does not fit; `exempt` for a level that is exempt. */
      passed_by: z.enum(['provider', 'level', 'org', 'team', 'exempt', 'condition']).optional(),
    }),
  ),
  approval: approvalNeed.omit({ approval_id: true, expires_at: true }).nullable(),
});
type Answer = z.infer<typeof dryRunAnswer>;

/** What the rules would say of a job that nobody submitted. */
@Controller('api/approvals/rules/dry-run')
export class DryRunController {
  constructor(private readonly database: Database) {}

  @Post()
  @ChangesNothing()
  @Allow('admin.approve')
  @Answers(
    200,
    dryRunAnswer,
    'Says which rules would hold a job, and why; also of rules that are not set yet',
  )
  async run(@Body({ schema: dryRun }) body: z.infer<typeof dryRun>): Promise<Answer> {
    const job: JobFacts = { ...body.job, job_id: `job_${'0'.repeat(32)}` };
    const given = body.rules ? draftRules(body.rules) : await listRules(this.database, true);
    const rules = new RuleSet(given, { combine: await combineOf(this.database) });
    return { rules: rules.explain(job).map(shown), approval: needOf(job, rules) };
  }
}

const shown = (one: Explained): Answer['rules'][number] => ({
  id: one.rule.id,
  name: one.rule.name,
  matched: one.holds,
  ...(one.holds ? { reason: one.reason } : { passed_by: one.because }),
});
