import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import type { JobFacts } from '@lineclear/contracts';
import { cutText } from './cut-text.js';

export const MAX_EXPRESSION_LENGTH = 2_000;
const MAX_TOLD = 300;
// Far from what a stack holds, so that what was taken once can be read always.
const MAX_BRACKETS = 50;
const MAX_DEPTH = 250;

/** What an expression that cannot be right is refused with. */
export class ExpressionError extends Error {}

/** What came of an expression: an answer, or why there is none. */
export type Evaluated = boolean | { readonly failed: string };
export type Expression = (job: JobFacts) => Evaluated;

type Node = ReturnType<typeof parse>['expr'];

/** What `job.` has. Every name always has a value, so that no rule fails for a job of nobody's organisation. */
const variablesOf = (job: JobFacts) => ({
  user_id: BigInt(job.user_id),
  username: job.username,
  level: job.level,
  provider: job.provider,
  config_name: job.config_name,
  hardware: job.hardware,
  estimated_cost_usd: job.estimated_cost_usd,
  jobs_last_24h: BigInt(job.jobs_last_24h),
  first_job: job.first_job,
  org_id: BigInt(job.org_id ?? 0),
  team_ids: (job.team_ids ?? []).map(BigInt),
  over_quota: (job.over_quota ?? []).length > 0,
});

/** A job that has a little of everything, to try an expression on. */
const SAMPLE: JobFacts = {
  job_id: `job_${'0'.repeat(32)}`,
  user_id: 1,
  username: 'ada',
  level: 'researcher',
  provider: 'replicate',
  config_name: 'flux-lora',
  hardware: 'a100-80gb',
  estimated_cost_usd: 12.5,
  jobs_last_24h: 3,
  first_job: false,
  org_id: 1,
  team_ids: [1],
};
const NAMES: ReadonlySet<string> = new Set(Object.keys(variablesOf(SAMPLE)));

// What the evaluator says of mistakes that no job can be the reason of.
const ALWAYS_WRONG =
  /^(found no matching overload|unbound function|unresolved attribute|field not found|error parsing regexp)/;
const LOGICAL = new Set(['_&&_', '_||_', '!_', '_?_:_']);

const NOT_BOOLEAN = 'it is neither true nor false';
const env = celEnv();

/** The expression, made ready. @throws ExpressionError for one that does not parse, or that no job makes right */
export function compileExpression(text: string): Expression {
  if (bracketsOf(text) > MAX_BRACKETS)
    throw new ExpressionError(`has more than ${MAX_BRACKETS} brackets in each other`);
  try {
    const { expr } = parse(text);
    // Loops in loops are how a short text keeps an evaluator busy for hours.
    if (loopsOf(expr, new Set(['job'])) > 1)
      throw new ExpressionError('has more than one of all, exists, exists_one, filter and map');
    for (const part of partsOf(expr)) tryOut(part);
    return evaluatorOf(expr);
  } catch (error) {
    if (error instanceof ExpressionError) throw error;
    throw new ExpressionError(`is not an expression: ${told(error)}`, { cause: error });
  }
}

function evaluatorOf(expression: Node): Expression {
  const evaluate = plan(env, expression);
  return (job) => {
    try {
      // Errors come back as values, which are true to an `if`.
      const value: unknown = evaluate({ job: variablesOf(job) });
      if (isCelError(value)) return { failed: told(value) };
      return typeof value === 'boolean' ? value : { failed: NOT_BOOLEAN };
    } catch (error) {
      return { failed: told(error) };
    }
  };
}

/** How many brackets stand open at once; those in strings are counted as well. */
function bracketsOf(text: string): number {
  let open = 0;
  let most = 0;
  for (const character of text) {
    if ('([{'.includes(character)) most = Math.max(most, (open += 1));
    else if (')]}'.includes(character)) open -= 1;
  }
  return most;
}

/** How many loops there are. @throws ExpressionError for a name that nothing has */
function loopsOf(node: Node, names: ReadonlySet<string>, depth = 0): number {
  if (depth > MAX_DEPTH) throw new ExpressionError(`is more than ${MAX_DEPTH} steps deep`);
  const { exprKind: kind } = node;
  const sum = (nodes: readonly (Node | undefined)[], known = names): number =>
    nodes.reduce((loops, one) => loops + (one ? loopsOf(one, known, depth + 1) : 0), 0);
  switch (kind.case) {
    case 'identExpr':
      if (!names.has(kind.value.name)) throw new ExpressionError(`knows no ${kind.value.name}, but job`);
      return 0;
    case 'selectExpr': {
      const of = kind.value.operand?.exprKind;
      if (of?.case === 'identExpr' && of.value.name === 'job' && !NAMES.has(kind.value.field))
        throw new ExpressionError(`knows no job.${kind.value.field}: job has ${[...NAMES].join(', ')}`);
      return sum([kind.value.operand]);
    }
    case 'callExpr':
      return sum([kind.value.target, ...kind.value.args]);
    case 'listExpr':
      return sum(kind.value.elements);
    case 'structExpr':
      return sum(
        kind.value.entries.flatMap(({ keyKind, value }) => [
          keyKind.case === 'mapKey' ? keyKind.value : undefined,
          value,
        ]),
      );
    case 'comprehensionExpr': {
      const { iterRange, accuInit, iterVar, iterVar2, accuVar, loopCondition, loopStep, result } = kind.value;
      const inside = new Set([...names, iterVar, iterVar2, accuVar]);
      return 1 + sum([iterRange, accuInit]) + sum([loopCondition, loopStep, result], inside);
    }
    case 'constExpr':
    case undefined:
      return 0;
  }
}

/** What is joined by and, or, not and if: tried each on its own, as what is left of `||` may hide what is right of it. */
function partsOf(node: Node): Node[] {
  const { exprKind: kind } = node;
  if (kind.case !== 'callExpr' || !LOGICAL.has(kind.value.function)) return [node];
  return kind.value.args.flatMap(partsOf);
}

/** @throws ExpressionError where it fails for a reason that is no job's, or answers neither true nor false */
function tryOut(part: Node): void {
  const value = evaluatorOf(part)(SAMPLE);
  if (typeof value === 'boolean') return;
  if (value.failed === NOT_BOOLEAN || ALWAYS_WRONG.test(value.failed))
    throw new ExpressionError(`cannot be right: ${value.failed}`);
}

const told = (error: unknown): string =>
  cutText(String(error instanceof Error ? error.message : error), MAX_TOLD);
