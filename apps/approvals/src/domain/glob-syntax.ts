import { ANY, ANYTHING, literal, oneOf, PatternError, type Pattern } from './linear-matcher.js';

/** Reads a glob: `*` any text (also `/`), `?` one character, `[a-c]`, `[!a-c]`, `{one,other}`, `\` before a character taken as it is. */
export function parseGlob(text: string): Pattern {
  const chars = Array.from(text);
  let at = 0;

  const sequence = (depth: number): Pattern => {
    const parts: Pattern[] = [];
    for (; at < chars.length;) {
      const char = chars[at]!;
      if (depth > 0 && (char === ',' || char === '}')) break;
      at += 1;
      if (char === '*') {
        while (chars[at] === '*') at += 1;
        parts.push(ANYTHING);
      } else if (char === '?') parts.push(ANY);
      else if (char === '[') parts.push(charClass());
      else if (char === '{') parts.push(options(depth + 1));
      else if (char === '\\') parts.push(literal(escaped()));
      else parts.push(literal(char));
    }
    return { is: 'sequence', parts };
  };

  const options = (depth: number): Pattern => {
    const found = [sequence(depth)];
    while (chars[at] === ',') {
      at += 1;
      found.push(sequence(depth));
    }
    if (chars[at] !== '}') throw new PatternError('has a { without its }');
    at += 1;
    return { is: 'choice', options: found };
  };

  const escaped = (): string => {
    const char = chars[at];
    if (char === undefined) throw new PatternError('ends with a \\');
    at += 1;
    return char;
  };

  const charClass = (): Pattern => {
    const not = chars[at] === '!' || chars[at] === '^';
    if (not) at += 1;
    const ranges: [number, number][] = [];
    for (let first = true; first || chars[at] !== ']'; first = false) {
      if (chars[at] === undefined) throw new PatternError('has a [ without its ]');
      const from = one();
      const isRange = chars[at] === '-' && chars[at + 1] !== ']' && chars[at + 1] !== undefined;
      if (isRange) at += 1;
      const to = isRange ? one() : from;
      if (to < from) throw new PatternError('has a range that runs backwards');
      ranges.push([from, to]);
    }
    at += 1;
    return oneOf(ranges, not);
  };

  const one = (): number => {
    const char = escapedOrNot();
    return char.codePointAt(0) ?? 0;
  };
  const escapedOrNot = (): string => {
    const char = chars[at]!;
    at += 1;
    return char === '\\' ? escaped() : char;
  };

  return sequence(0);
}
