import type { JobFacts, Level } from '@lineclear/contracts';
import { inCentHundredths, type Condition } from './condition.js';
import { cutText } from './cut-text.js';
import { compileExpression } from './expression.js';
import { foldText } from './linear-matcher.js';
import { LiteralIndex } from './literal-index.js';
import { machinesOf } from './machines-of.js';
import { compileGlob, compilePattern, literalOfGlob, literalOfPattern } from './pattern.js';

/** A stage as a rule asks for it. */
export interface RuleStage {
  readonly name?: string | undefined;
  readonly approvals: number;
  /** The rule's own where it is not given. */
  readonly level?: Level | undefined;
  readonly team_id?: number | undefined;
}

export interface Rule {
  readonly id: number;
  readonly name: string;
  readonly condition: Condition;
  readonly priority: number;
  readonly appliesToProvider: string | null;
  readonly appliesToLevel: Level | null;
  readonly appliesToOrg: number | null;
  /** Jobs of this team's members, whichever of their teams a job counts under. */
  readonly appliesToTeam: number | null;
  readonly exemptLevels: readonly Level[];
  readonly requiredLevel: Level;
  /** None: one person of the required level decides. */
  readonly stages: readonly RuleStage[];
  readonly rejections: number;
}

/** The rule that holds a job, and why, with the numbers. */
export interface Hold {
  readonly rule: Rule;
  readonly reason: string;
}

/** What a rule looks for in a text of a job, and what that text holds wherever the rule finds it. */
interface Sought {
  readonly in: 'hardware' | 'config_name';
  readonly literal: string;
}

/** A rule made ready: `concerns` looks only at what the memory below is keyed by, `reason` at everything. */
interface ReadyRule {
  readonly rule: Rule;
  readonly sought?: Sought | undefined;
  readonly concerns: (job: JobFacts) => boolean;
  readonly fits: (job: JobFacts) => boolean;
  readonly reason: (job: JobFacts) => Reason | undefined;
}

type PassedBy = 'provider' | 'level' | 'org' | 'team' | 'exempt';

/** What a rule says of a job: why it holds it, or what made it pass the job by. */
export type Explained = { readonly rule: Rule } & (
  | { readonly holds: true; readonly reason: string }
  | { readonly holds: false; readonly because: PassedBy | 'condition' }
);

/** Why a rule holds a job; a rule that cannot be evaluated holds it as well. */
type Reason = string | { readonly failed: string };

/** Which rules count that hold a job: the first that is asked, or all of them. */
export const COMBINES = ['first', 'all'] as const;
export type Combine = (typeof COMBINES)[number];

/** Is told of each rule that could not be evaluated. */
export type OnFailure = (rule: Rule, message: string) => void;

const MAX_REMEMBERED = 2_000;

/** Rules in the order in which they are asked: highest priority first, then oldest first. */
export class RuleSet {
  readonly #rules: readonly ReadyRule[];
  // Jobs repeat their provider, level, hardware, config and whose they are: the rules that can concern such a job are found once.
  readonly #concerning = new Map<string, readonly ReadyRule[]>();
  // Of many patterns only those are tried that a job's names can match: each rule by its place in the order.
  readonly #byHardware: LiteralIndex<number>;
  readonly #byConfig: LiteralIndex<number>;
  readonly #byNeither: readonly number[];
  readonly #combine: Combine;
  readonly #onFailure: OnFailure;

  constructor(
    rules: readonly Rule[],
    { combine = 'first', onFailure = () => {} }: { combine?: Combine; onFailure?: OnFailure } = {},
  ) {
    this.#combine = combine;
    this.#onFailure = onFailure;
    this.#rules = rules.toSorted((a, b) => b.priority - a.priority || a.id - b.id).map(makeReady);
    const seekingIn = (text: Sought['in']): (readonly [string, number])[] =>
      this.#rules.flatMap(({ sought }, place) => (sought?.in === text ? [[sought.literal, place]] : []));
    this.#byHardware = new LiteralIndex(seekingIn('hardware'));
    this.#byConfig = new LiteralIndex(seekingIn('config_name'));
    this.#byNeither = this.#rules.flatMap(({ sought }, place) => (sought ? [] : [place]));
  }

  /** The rules that hold this job and count, in order; none when it may go on. */
  holds(job: JobFacts): readonly Hold[] {
    if (!job.also_hardware) return this.#holdsOn(job);
    const found = new Map<Rule, Hold>();
    for (const machine of machinesOf(job))
      for (const hold of this.#holdsOn({ ...job, hardware: machine }))
        if (!found.has(hold.rule)) found.set(hold.rule, hold);
    const inOrder = this.#rules.flatMap(({ rule }) => found.get(rule) ?? []);
    return this.#combine === 'first' ? inOrder.slice(0, 1) : inOrder;
  }

  #holdsOn(job: JobFacts): readonly Hold[] {
    const found: Hold[] = [];
    for (const { rule, reason } of this.#rulesConcerning(job)) {
      const why = reason(job);
      if (why === undefined) continue;
      if (typeof why !== 'string') this.#onFailure(rule, why.failed);
      found.push({ rule, reason: told(why) });
      if (this.#combine === 'first') break;
    }
    return found;
  }

  /** What every rule says of this job, in order, also those that do not count any more. Tells nobody of failures. */
  explain(job: JobFacts): readonly Explained[] {
    return this.#rules.map(({ rule, fits, reason }) => {
      const because = passedBy(rule, job);
      if (because !== undefined) return { rule, holds: false, because };
      const why = fits(job) ? reason(job) : undefined;
      return why === undefined
        ? { rule, holds: false, because: 'condition' }
        : { rule, holds: true, reason: told(why) };
    });
  }

  #rulesConcerning(job: JobFacts): readonly ReadyRule[] {
    const key = JSON.stringify([
      job.provider,
      job.level,
      job.hardware,
      job.config_name,
      job.org_id,
      job.team_ids,
    ]);
    const known = this.#concerning.get(key);
    if (known) return known;
    const found = this.#rulesToTry(job).filter(({ concerns }) => concerns(job));
    if (this.#concerning.size >= MAX_REMEMBERED) this.#concerning.clear();
    this.#concerning.set(key, found);
    return found;
  }

  #rulesToTry({ hardware, config_name }: JobFacts): ReadyRule[] {
    const places = [
      ...this.#byNeither,
      ...this.#byHardware.of(foldText(hardware)),
      ...this.#byConfig.of(foldText(config_name)),
    ];
    return places.toSorted((a, b) => a - b).map((place) => this.#rules[place]!);
  }
}

function makeReady(rule: Rule): ReadyRule {
  const { sought, concerns, reason } = readyCondition(rule.condition);
  return {
    rule,
    sought,
    fits: concerns ?? (() => true),
    concerns: (job) => passedBy(rule, job) === undefined && (concerns?.(job) ?? true),
    reason,
  };
}

/** What of its scope makes a rule pass a job by; undefined where it is about such a job. */
function passedBy(rule: Rule, job: JobFacts): PassedBy | undefined {
  if (rule.appliesToProvider !== null && rule.appliesToProvider !== job.provider) return 'provider';
  if (rule.appliesToLevel !== null && rule.appliesToLevel !== job.level) return 'level';
  if (rule.appliesToOrg !== null && rule.appliesToOrg !== job.org_id) return 'org';
  if (rule.appliesToTeam !== null && !(job.team_ids ?? []).includes(rule.appliesToTeam)) return 'team';
  if (rule.exemptLevels.includes(job.level)) return 'exempt';
  return undefined;
}

type ReadyCondition = Pick<ReadyRule, 'sought' | 'reason'> & Partial<Pick<ReadyRule, 'concerns'>>;

function readyCondition(condition: Condition): ReadyCondition {
  switch (condition.is) {
    case 'cost_exceeds': {
      const limit = inCentHundredths(condition.thresholdUsd);
      const exceeds = `exceeds ${dollars(condition.thresholdUsd)}`;
      return {
        reason: ({ estimated_cost_usd: cost }) =>
          inCentHundredths(cost) > limit ? `estimated cost ${dollars(cost)} ${exceeds}` : undefined,
      };
    }
    case 'daily_jobs_exceed':
      return {
        reason: ({ jobs_last_24h: before }) =>
          before + 1 > condition.thresholdJobs
            ? `${before + 1} jobs in 24 hours (this one counted) exceed ${condition.thresholdJobs}`
            : undefined,
      };
    case 'first_job':
      return { reason: (job) => (job.first_job ? `this is the first job of ${job.username}` : undefined) };
    case 'provider':
      return {
        concerns: (job) => job.provider === condition.provider,
        reason: (job) => `the provider is ${job.provider}`,
      };
    case 'hardware_type': {
      const matches = compileGlob(condition.pattern);
      return {
        sought: { in: 'hardware', literal: literalOfGlob(condition.pattern) },
        concerns: (job) => matches(job.hardware),
        reason: (job) => `hardware ${job.hardware} matches ${condition.pattern}`,
      };
    }
    case 'config_pattern': {
      const matches = compilePattern(condition.pattern);
      return {
        sought: { in: 'config_name', literal: literalOfPattern(condition.pattern) },
        concerns: (job) => matches(job.config_name),
        reason: (job) => `config ${job.config_name} matches ${condition.pattern}`,
      };
    }
    case 'expression': {
      const evaluate = compileExpression(condition.expression);
      const holds = `the expression ${shortened(condition.expression)} is true`;
      return {
        reason: (job) => {
          const value = evaluate(job);
          return typeof value === 'object' ? value : value ? holds : undefined;
        },
      };
    }
  }
}

const told = (why: Reason): string =>
  typeof why === 'string' ? why : `the expression failed: ${why.failed}`;

const MAX_SHOWN = 200;
const shortened = (text: string): string =>
  text.length <= MAX_SHOWN ? text : `${cutText(text, MAX_SHOWN)}...`;

const format = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  minimumFractionDigits: 2,
  maximumFractionDigits: 4,
});
const dollars = (usd: number): string => format.format(usd);
