import { RESOURCE_TYPES, type ResourceRule, type ResourceType } from '@lineclear/contracts';
import { compileGlob, GlobError, matchesEveryPath, type Segments } from './glob.js';
import { placeOf } from './output-path.js';

/** What a job would take. What is not there is not judged. */
export interface Asked {
  readonly config?: string | undefined;
  readonly hardware?: string | undefined;
  readonly provider?: string | undefined;
  readonly outputPath?: string | undefined;
}

/** What the rules say about one thing that a job would take. */
export interface Decision {
  readonly type: ResourceType;
  readonly value?: string;
  readonly allowed: boolean;
  readonly because: 'not_asked' | 'no_rules' | 'allowed_by_rule' | 'denied_by_rule' | 'no_rule_matches';
  /** The rule that decided: of several, the most important. */
  readonly rule?: ResourceRule;
  readonly matched: readonly ResourceRule[];
  /** Why a path is taken for no place in particular. */
  readonly unclear?: string;
}

export interface Judgement {
  readonly allowed: boolean;
  /** One for each type, in the same order always. */
  readonly decisions: readonly Decision[];
}

/**
 * Whether these rules (all that a person has, the most important first) let a job take this. The most permissive wins: what any
 * rule allows is allowed. What no rule allows is denied, if there is any rule for its type; otherwise nothing is restricted.
 */
export function judge(rules: readonly ResourceRule[], asked: Asked): Judgement {
  const compiled = compiledOf(rules);
  const decisions = RESOURCE_TYPES.map((type) => decide(type, compiled.get(type), valueOf(type, asked)));
  return { allowed: decisions.every(({ allowed }) => allowed), decisions };
}

/** Why, in a sentence that names the rule. */
export function explain({ type, value, because, rule, unclear }: Decision): string {
  const what = `the ${WORD[type]} ${JSON.stringify(value)}`;
  switch (because) {
    case 'not_asked':
      return `no ${WORD[type]} was named`;
    case 'no_rules':
      return `no resource rule is about any ${WORD[type]}`;
    case 'allowed_by_rule':
      return `the resource rule ${JSON.stringify(rule?.name)} allows ${what}`;
    case 'denied_by_rule':
      return `the resource rule ${JSON.stringify(rule?.name)} denies ${what}`;
    case 'no_rule_matches':
      return `no resource rule allows ${what}${unclear === undefined ? '' : `, which ${unclear}`}`;
  }
}

/** Why this pattern cannot be used for rules about this type; undefined when it can. */
export function patternFault(type: ResourceType, pattern: string): string | undefined {
  try {
    compileGlob(kindOf(type), pattern);
    return undefined;
  } catch (error) {
    if (error instanceof GlobError) return error.message;
    throw error;
  }
}

const WORD = {
  config: 'configuration',
  hardware: 'hardware',
  provider: 'provider',
  output_path: 'output path',
} as const;
const kindOf = (type: ResourceType): 'path' | 'name' => (type === 'output_path' ? 'path' : 'name');
const valueOf = (type: ResourceType, asked: Asked): string | undefined =>
  type === 'output_path' ? asked.outputPath : asked[type];

interface Compiled {
  readonly rule: ResourceRule;
  readonly matches: (segments: Segments | undefined) => boolean;
}
type ByType = ReadonlyMap<ResourceType, readonly Compiled[]>;

// A principal's rules stay the same list for as long as the principal is believed.
const known = new WeakMap<readonly ResourceRule[], ByType>();

function compiledOf(rules: readonly ResourceRule[]): ByType {
  let byType = known.get(rules);
  if (!byType) {
    const compiled = rules.map(compile);
    byType = new Map(
      RESOURCE_TYPES.map((type) => [type, compiled.filter(({ rule }) => rule.type === type)] as const).filter(
        ([, ofType]) => ofType.length > 0,
      ),
    );
    known.set(rules, byType);
  }
  return byType;
}

function compile(rule: ResourceRule): Compiled {
  if (rule.type === 'output_path' && matchesEveryPath(rule.pattern)) return { rule, matches: () => true };
  // One that an older release cannot read matches nothing: its type stays restricted, so nothing is let through for it.
  if (patternFault(rule.type, rule.pattern) !== undefined) return { rule, matches: () => false };
  const test = compileGlob(kindOf(rule.type), rule.pattern);
  return { rule, matches: (segments) => segments !== undefined && test(segments) };
}

function decide(
  type: ResourceType,
  rules: readonly Compiled[] | undefined,
  value: string | undefined,
): Decision {
  if (value === undefined) return { type, allowed: true, because: 'not_asked', matched: [] };
  if (!rules) return { type, value, allowed: true, because: 'no_rules', matched: [] };
  const place = type === 'output_path' ? placeOf(value) : undefined;
  const segments =
    place === undefined ? [Array.from(value)] : place.state === 'clear' ? place.segments : undefined;
  const matched = rules.filter(({ matches }) => matches(segments)).map(({ rule }) => rule);
  const about = { type, value, matched };
  const allow = matched.find(({ action }) => action === 'allow');
  if (allow) return { ...about, allowed: true, because: 'allowed_by_rule', rule: allow };
  const [deny] = matched;
  if (deny) return { ...about, allowed: false, because: 'denied_by_rule', rule: deny };
  return {
    ...about,
    allowed: false,
    because: 'no_rule_matches',
    ...(place?.state === 'unclear' ? { unclear: place.why } : {}),
  };
}
