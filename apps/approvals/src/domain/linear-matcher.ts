/** What a pattern says, whatever it was written in. */
export type Pattern =
  | { readonly is: 'one'; readonly of: CharSet }
  | { readonly is: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly is: 'choice'; readonly options: readonly Pattern[] }
  | { readonly is: 'repeat'; readonly what: Pattern; readonly min: number; readonly max: number };

/** Characters from any of the ranges, or, with `not`, from none of them. */
export interface CharSet {
  readonly ranges: readonly (readonly [from: number, to: number])[];
  readonly not: boolean;
}

/** A pattern that cannot be taken; the message says why, to follow the pattern's name. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

export const ANY: Pattern = { is: 'one', of: { ranges: [], not: true } };
export const ANYTHING: Pattern = { is: 'repeat', what: ANY, min: 0, max: Infinity };
export const literal = (char: string): Pattern =>
  oneOf([[char.codePointAt(0) ?? 0, char.codePointAt(0) ?? 0]]);

const upperOf = (char: string): string => {
  const upper = char.toUpperCase();
  return upper.length === char.length ? upper : char;
};
/** What all cases of a letter have in common; where one of them is two characters (as of ß and İ) the letter itself. */
function fold(char: string): string {
  const lower = upperOf(char).toLowerCase();
  return lower.length === char.length ? lower : char;
}
/** A text without its letter case: letter by letter, as in a whole text the last Σ becomes another small letter than in a pattern. */
export const foldText = (text: string): string =>
  /^\p{ASCII}*$/u.test(text) ? text.toLowerCase() : Array.from(text, fold).join('');

/** Characters of these ranges, in either case. */
export function oneOf(ranges: readonly (readonly [number, number])[], not = false): Pattern {
  const folded = ranges.map(([from, to]): [number, number] => {
    if (from !== to) return [from, to];
    const code = fold(String.fromCodePoint(from)).codePointAt(0) ?? from;
    return [code, code];
  });
  return { is: 'one', of: { ranges: folded, not } };
}

type Step =
  | { readonly is: 'one'; readonly of: CharSet; readonly next: number }
  | { readonly is: 'fork'; first: number; readonly second: number }
  | { readonly is: 'end' };

const MAX_STEPS = 1_000;
const MAX_VISITS = 10_000;

/**
 * Turns a pattern into a test of whole texts, letter case aside. All ways through the pattern are followed at once, so
 * the time is at most (length of the text) x (size of the pattern): no pattern can hang the process, as `*a*a*a*a*b`
 * does in matchers that try one way after the other.
 * @throws PatternError when the pattern is too large
 */
export function compile(pattern: Pattern): (text: string) => boolean {
  const steps: Step[] = [{ is: 'end' }];
  const add = (step: Step): number => {
    if (steps.length >= MAX_STEPS) throw new PatternError('repeats too much');
    return steps.push(step) - 1;
  };
  // Counted too, because repeating nothing adds no steps but takes time.
  let visits = 0;
  const build = (node: Pattern, next: number): number => {
    visits += 1;
    if (visits > MAX_VISITS) throw new PatternError('repeats too much');
    switch (node.is) {
      case 'one':
        return add({ is: 'one', of: node.of, next });
      case 'sequence':
        return node.parts.reduceRight((then, part) => build(part, then), next);
      case 'choice':
        return node.options
          .map((option) => build(option, next))
          .reduce((first, second) => add({ is: 'fork', first, second }));
      case 'repeat': {
        let entry = next;
        if (node.max === Infinity) {
          const fork = { is: 'fork' as const, first: next, second: next };
          entry = add(fork);
          fork.first = build(node.what, entry);
        } else {
          for (let n = node.min; n < node.max; n += 1)
            entry = add({ is: 'fork', first: build(node.what, entry), second: next });
        }
        for (let n = 0; n < node.min; n += 1) entry = build(node.what, entry);
        return entry;
      }
    }
  };
  const start = build(pattern, 0);
  const { head, tail, rest } = fixedEnds(pattern);
  return (text) => {
    const folded = foldText(text);
    // Most names fail here, or are decided here, at a tenth of the cost of a walk through the pattern.
    if (!folded.startsWith(head) || !folded.endsWith(tail)) return false;
    if (rest.length === 0 && tail === '') return folded === head;
    if (rest.length === 1 && rest[0] === ANYTHING) return folded.length >= head.length + tail.length;
    return run(steps, start, folded);
  };
}

/** The text that every match begins with, the one it ends with, and what stands between. */
function fixedEnds(pattern: Pattern): { head: string; tail: string; rest: readonly Pattern[] } {
  const parts = flat(pattern);
  const chars = parts.map(onlyChar);
  const first = chars.indexOf(undefined);
  const last = chars.lastIndexOf(undefined);
  if (first === -1) return { head: chars.join(''), tail: '', rest: [] };
  return {
    head: chars.slice(0, first).join(''),
    tail: chars.slice(last + 1).join(''),
    rest: parts.slice(first, last + 1),
  };
}

/** The longest text that every match holds, as foldText makes it of the match; empty where there is none. */
export function literalOf(pattern: Pattern): string {
  const runs: string[] = [''];
  for (const char of flat(pattern).map(onlyChar)) {
    if (char === undefined) runs.push('');
    else runs.push((runs.pop() ?? '') + char);
  }
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest));
}

const flat = (pattern: Pattern): readonly Pattern[] => {
  if (pattern.is === 'sequence') return pattern.parts.flatMap(flat);
  return pattern.is === 'choice' && pattern.options.length === 1 ? pattern.options.flatMap(flat) : [pattern];
};

function onlyChar(pattern: Pattern): string | undefined {
  if (pattern.is !== 'one' || pattern.of.not || pattern.of.ranges.length !== 1) return undefined;
  const [from, to] = pattern.of.ranges[0]!;
  return from === to ? String.fromCodePoint(from) : undefined;
}

function run(steps: readonly Step[], start: number, text: string): boolean {
  // The round in which a step was last reached: a step is followed once per character.
  const reachedIn = new Int32Array(steps.length);
  let round = 0;
  let ended = false;
  const reach = (from: number, into: number[]): void => {
    const open = [from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (reachedIn[at] === round) continue;
      reachedIn[at] = round;
      const step = steps[at]!;
      if (step.is === 'end') ended = true;
      else if (step.is === 'one') into.push(at);
      else open.push(step.second, step.first);
    }
  };
  round = 1;
  let here: number[] = [];
  reach(start, here);
  for (const char of text) {
    const cases = [char, upperOf(char)].map((one) => one.codePointAt(0) ?? 0);
    round += 1;
    ended = false;
    const next: number[] = [];
    for (const at of here) {
      const step = steps[at]!;
      if (step.is === 'one' && has(step.of, cases)) reach(step.next, next);
    }
    here = next;
    if (here.length === 0 && !ended) return false;
  }
  return ended;
}

// A range may hold either case of a letter.
const has = (set: CharSet, cases: readonly number[]): boolean =>
  set.ranges.some(([from, to]) => cases.some((code) => from <= code && code <= to)) !== set.not;
