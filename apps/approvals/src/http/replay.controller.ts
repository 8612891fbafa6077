import { Body, Controller, Post } from '@nestjs/common';
import { Allow, ChangesNothing, tenantOf, Who } from '@lineclear/access';
import { ask, Bus } from '@lineclear/bus';
import { approvalNeed, fields, MAX_PAST_JOBS, pastJobs, type Principal } from '@lineclear/contracts';
import { Answers, Clock, Database } from '@lineclear/kit';
import { z } from 'zod';
import { combineOf, listRules } from '../db/rules.repo.js';
import { Replay, type Count } from '../domain/replay.js';
import { COMBINES, RuleSet } from '../domain/rule-set.js';
import { draftRules, MAX_DRAFTS } from './draft-rules.js';
import { newRule } from './rule-wire.js';

const MAX_JOBS = 20_000;
const MAX_DIFFERENCES = 200;
const DAY_MS = 86_400_000;
const DEADLINE_MS = 5_000;

const replayBody = z.strictObject({
  days: z.int().min(1).max(90).default(30),
  rules: z.array(newRule).max(MAX_DRAFTS),
  /** As the house is set when it is not given. */
  combine: z.enum(COMBINES).optional(),
});
const need = approvalNeed.omit({ approval_id: true, expires_at: true }).nullable();
const count = z.object({
  held: z.int(),
  held_cost_usd: z.number(),
  by_rule: z.array(z.object({ rule_id: z.int(), jobs: z.int() })),
});
const replayAnswer = z.object({
  jobs: z.int(),
  /** Whether there were more jobs than are looked at: then those of the first days only. */
  is_cut: z.boolean(),
  now: count,
  draft: count,
  different: z.int(),
  /** The first of them. */
  differences: z.array(
    z.object({
      job_id: fields.jobId,
      username: z.string(),
      provider: z.string(),
      config_name: z.string(),
      hardware: z.string(),
      estimated_cost_usd: z.number(),
      now: need,
      draft: need,
    }),
  ),
});

/** What rules that are not set yet would have said of the jobs of the last days. */
@Controller('api/approvals/rules/replay')
export class ReplayController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  @Post()
  @ChangesNothing()
  @Allow('admin.approve')
  @Answers(
    200,
    replayAnswer,
    'Says what draft rules would have held of the jobs of the last days, beside the rules that are set',
  )
  async replay(
    @Body({ schema: replayBody }) body: z.infer<typeof replayBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof replayAnswer>> {
    const combine = await combineOf(this.database);
    const rules = {
      now: new RuleSet(await listRules(this.database, true), { combine }),
      draft: new RuleSet(draftRules(body.rules), { combine: body.combine ?? combine }),
    };
    const replay = new Replay(rules, MAX_DIFFERENCES);
    const since = new Date(this.clock.now().getTime() - body.days * DAY_MS).toISOString();
    const isCut = await this.#each(since, tenantOf(who), (job) => replay.look(job));
    return {
      jobs: replay.jobs,
      is_cut: isCut,
      now: shown(replay.now),
      draft: shown(replay.draft),
      different: replay.different,
      differences: replay.differences.map(({ job, now, draft }) => ({
        job_id: job.job_id,
        username: job.username,
        provider: job.provider,
        config_name: job.config_name,
        hardware: job.hardware,
        estimated_cost_usd: job.estimated_cost_usd,
        now,
        draft,
      })),
    };
  }

  /** Page by page, so that others are served in between; whether there are more than are looked at. @throws Unavailable while the queue does not answer */
  async #each(
    since: string,
    tenant: number | null | undefined,
    look: (job: Parameters<Replay['look']>[0]) => void,
  ): Promise<boolean> {
    let after: string | undefined;
    for (let seen = 0; seen < MAX_JOBS; seen += MAX_PAST_JOBS) {
      const question = {
        since,
        limit: MAX_PAST_JOBS,
        ...(after !== undefined && { after }),
        ...(tenant !== undefined && { tenant }),
      };
      const { jobs } = await ask(this.bus, pastJobs, question, DEADLINE_MS);
      for (const job of jobs) look(job);
      if (jobs.length < MAX_PAST_JOBS) return false;
      after = jobs.at(-1)?.job_id;
    }
    return true;
  }
}

const shown = ({ held, costUsd, byRule }: Count): z.infer<typeof count> => ({
  held,
  held_cost_usd: costUsd,
  by_rule: [...byRule].map(([rule_id, jobs]) => ({ rule_id, jobs })),
});
