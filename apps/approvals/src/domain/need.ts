import type { ApprovalNeed, JobFacts, Level } from '@lineclear/contracts';
import { cutText } from './cut-text.js';
import type { RuleSet } from './rule-set.js';
import { isStaged, stagesOf, type Asked } from './stages.js';

/** Who decides on what goes beyond a quota. */
const QUOTA_LEVEL: Level = 'lead';
const MAX_REASON = 2_000;
const MAX_NAMES = 1_000;
const ONE_PERSON = { stages: [], rejections: 1 } as const;

/** Why a job is held: by a rule with its id, or by a quota or a secret, which are no rules. */
interface Why extends Asked {
  readonly id: number;
  readonly name: string;
  readonly reason: string;
}

/** What a job needs before it may run, but for what the request is called and until when; null when nothing holds it. */
export function needOf(
  job: JobFacts,
  rules: RuleSet,
): Omit<ApprovalNeed, 'approval_id' | 'expires_at'> | null {
  // Quotas last: what they say may be long, and is what is cut.
  const all = [...rulesOf(job, rules), secretsOf(job), quotaOf(job)].filter((why) => why !== undefined);
  const [first] = all;
  if (!first) return null;
  const { stages, rejections } = stagesOf(all);
  const [level, ...others] = stages[0]!.levels;
  return {
    rule_id: first.id,
    rule_name: first.name,
    reason: cutText(all.map(({ reason }) => reason).join('; '), MAX_REASON),
    required_level: level!,
    ...(others.length === 0 ? {} : { also_levels: others }),
    ...(isStaged(stages, rejections) && { stages: [...stages], rejections }),
  };
}

const rulesOf = (job: JobFacts, rules: RuleSet): Why[] =>
  rules.holds(job).map(({ rule, reason }) => ({
    id: rule.id,
    name: rule.name,
    reason,
    levels: [rule.requiredLevel],
    stages: rule.stages.map(({ level = rule.requiredLevel, ...stage }) => ({ ...stage, levels: [level] })),
    rejections: rule.rejections,
  }));

const quotaOf = ({ over_quota: reasons = [] }: JobFacts): Why | undefined =>
  reasons.length === 0
    ? undefined
    : { id: 0, name: 'quota', reason: reasons.join('; '), levels: [QUOTA_LEVEL], ...ONE_PERSON };

// No level is exempt and no permission passes: whoever set the demand meant every job.
function secretsOf({ secrets_needing_approval: secrets = [] }: JobFacts): Why | undefined {
  if (secrets.length === 0) return undefined;
  const names = told(secrets.map(({ name }) => name));
  const reason =
    secrets.length === 1 ? `the secret ${names} needs an approval` : `the secrets ${names} need an approval`;
  return { id: 0, name: 'secret', reason, levels: secrets.map(({ level }) => level), ...ONE_PERSON };
}

/** The names, as many as find room, and how many more there are. */
function told(names: readonly string[]): string {
  let length = 0;
  const fit = names.filter((name) => (length += name.length + 2) <= MAX_NAMES);
  const more = names.length - fit.length;
  return fit.join(', ') + (more === 0 ? '' : ` and ${more} more`);
}
