import type { ApprovalNeed, JobFacts } from '@lineclear/contracts';
import { needOf } from './need.js';
import type { RuleSet } from './rule-set.js';

type Need = Omit<ApprovalNeed, 'approval_id' | 'expires_at'>;

/** A job of which two sets of rules say different things. */
export interface Difference {
  readonly job: JobFacts;
  readonly now: Need | null;
  readonly draft: Need | null;
}

/** What a set of rules says of all the jobs. */
export class Count {
  held = 0;
  costUsd = 0;
  /** How many jobs are held by each rule, by its id; 0 is a quota or a secret. */
  readonly byRule = new Map<number, number>();

  add(need: Need | null, { estimated_cost_usd }: JobFacts): void {
    if (!need) return;
    this.held += 1;
    this.costUsd += estimated_cost_usd;
    this.byRule.set(need.rule_id, (this.byRule.get(need.rule_id) ?? 0) + 1);
  }
}

/** What two sets of rules say of the same jobs, which are looked at one after the other. */
export class Replay {
  jobs = 0;
  different = 0;
  readonly now = new Count();
  readonly draft = new Count();
  /** The first of those that differ. */
  readonly differences: Difference[] = [];

  constructor(
    private readonly rules: { readonly now: RuleSet; readonly draft: RuleSet },
    private readonly maxDifferences: number,
  ) {}

  look(job: JobFacts): void {
    const [now, draft] = [needOf(job, this.rules.now), needOf(job, this.rules.draft)];
    this.jobs += 1;
    this.now.add(now, job);
    this.draft.add(draft, job);
    if (said(now) === said(draft)) return;
    this.different += 1;
    if (this.differences.length < this.maxDifferences) this.differences.push({ job, now, draft });
  }
}

/** What matters to whoever submits and whoever decides: whether it is held, and who is asked. Which rule says so does not. */
const said = (need: Need | null): string =>
  need === null ? '' : JSON.stringify([need.required_level, need.also_levels, need.stages, need.rejections]);
