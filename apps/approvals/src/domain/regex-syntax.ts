import { ANY, ANYTHING, literal, oneOf, PatternError, type Pattern } from './linear-matcher.js';

type Ranges = readonly (readonly [number, number])[];
const MAX_UNICODE = 0x10_ffff;
const CLASSES: Readonly<Record<string, Ranges>> = {
  d: [[0x30, 0x39]],
  w: [
    [0x30, 0x39],
    [0x41, 0x5a],
    [0x5f, 0x5f],
    [0x61, 0x7a],
  ],
  s: [
    [0x09, 0x0d],
    [0x20, 0x20],
    [0xa0, 0xa0],
  ],
};

/**
 * Reads a regular expression: characters, `.`, classes, `\d \w \s` and their opposites, groups, `|`, `* + ? {n,m}`, and
 * `^`, `$` at the ends. What needs backtracking (back-references, look-around) is refused.
 */
export function parseRegex(text: string): Pattern {
  const chars = Array.from(text);
  let at = 0;
  const next = (expected: string): boolean => {
    if (chars[at] !== expected) return false;
    at += 1;
    return true;
  };

  const whole = (): Pattern => {
    const options: Pattern[] = [];
    do {
      const fromStart = next('^');
      const middle = sequence();
      const toEnd = next('$');
      options.push({
        is: 'sequence',
        parts: [...(fromStart ? [] : [ANYTHING]), middle, ...(toEnd ? [] : [ANYTHING])],
      });
    } while (next('|'));
    if (at < chars.length)
      throw new PatternError(chars[at] === ')' ? 'has a ) without its (' : 'has more after its $');
    return { is: 'choice', options };
  };

  const sequence = (): Pattern => {
    const parts: Pattern[] = [];
    while (at < chars.length && !'|)$'.includes(chars[at]!)) parts.push(quantified(atom()));
    return { is: 'sequence', parts };
  };

  const quantified = (what: Pattern): Pattern => {
    const bounds = quantifier();
    if (!bounds) return what;
    // Lazy or greedy makes no difference to whether a text matches.
    next('?');
    if ('*+{'.includes(chars[at] ?? ' ')) throw new PatternError('has two quantifiers in a row');
    return { is: 'repeat', what, min: bounds[0], max: bounds[1] };
  };

  const quantifier = (): [number, number] | undefined => {
    if (next('*')) return [0, Infinity];
    if (next('+')) return [1, Infinity];
    if (next('?')) return [0, 1];
    if (chars[at] !== '{') return undefined;
    const given = /^\{(\d{1,3})(?:(,)(\d{1,3})?)?\}/.exec(chars.slice(at, at + 9).join(''));
    if (!given) throw new PatternError('has a { that is no quantifier (write \\{)');
    at += given[0].length;
    const min = Number(given[1]);
    const max = given[2] === undefined ? min : given[3] === undefined ? Infinity : Number(given[3]);
    if (max < min) throw new PatternError('has a quantifier that runs backwards');
    return [min, max];
  };

  const atom = (): Pattern => {
    const char = chars[at]!;
    at += 1;
    if (char === '.') return ANY;
    if (char === '(') return group();
    if (char === '[') return charClass();
    if (char === '\\') {
      const { ranges, not } = escape();
      return oneOf(ranges, not);
    }
    if (char === '^') throw new PatternError('has a ^ that is not at its start');
    if ('*+?{'.includes(char)) throw new PatternError(`has nothing before its ${char}`);
    return literal(char);
  };

  const group = (): Pattern => {
    if (next('?') && !next(':'))
      throw new PatternError('uses look-around or named groups, which are not supported');
    const options = [sequence()];
    while (next('|')) options.push(sequence());
    if (!next(')'))
      throw new PatternError(chars[at] === '$' ? 'has a $ inside a group' : 'has a ( without its )');
    return { is: 'choice', options };
  };

  const escape = (): { ranges: Ranges; not: boolean } => {
    const char = chars[at];
    if (char === undefined) throw new PatternError('ends with a \\');
    at += 1;
    const ranges = CLASSES[char.toLowerCase()];
    if (ranges) return { ranges, not: char !== char.toLowerCase() };
    if (/[A-Za-z0-9]/.test(char)) throw new PatternError(`uses \\${char}, which is not supported`);
    const code = char.codePointAt(0) ?? 0;
    return { ranges: [[code, code]], not: false };
  };

  const charClass = (): Pattern => {
    const not = next('^');
    const ranges: (readonly [number, number])[] = [];
    while (!next(']')) {
      const from = member();
      const single = from.length === 1 && from[0]![0] === from[0]![1];
      if (single && chars[at] === '-' && chars[at + 1] !== ']') {
        at += 1;
        const to = member();
        if (to.length !== 1 || to[0]![0] !== to[0]![1] || to[0]![0] < from[0]![0])
          throw new PatternError('has a range that is none');
        ranges.push([from[0]![0], to[0]![0]]);
      } else ranges.push(...from);
    }
    return oneOf(ranges, not);
  };

  const member = (): Ranges => {
    const char = chars[at];
    if (char === undefined) throw new PatternError('has a [ without its ]');
    at += 1;
    if (char !== '\\') return [[char.codePointAt(0) ?? 0, char.codePointAt(0) ?? 0]];
    const { ranges, not } = escape();
    return not ? opposite(ranges) : ranges;
  };

  return whole();
}

/** All characters outside of these ranges, which are in order. */
function opposite(ranges: Ranges): Ranges {
  const starts = [0, ...ranges.map(([, to]) => to + 1)];
  const ends = [...ranges.map(([from]) => from - 1), MAX_UNICODE];
  return starts
    .map((start, n) => [start, ends[n] ?? MAX_UNICODE] as const)
    .filter(([from, to]) => from <= to);
}
