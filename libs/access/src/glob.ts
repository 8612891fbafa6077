/** A pattern that cannot be taken; the message says why, to follow the pattern's name. */
export class GlobError extends Error {
  override readonly name = 'GlobError';
}

type Part =
  | { readonly is: 'char'; readonly char: string }
  | { readonly is: 'any' | 'star' | 'stars' | 'slash' }
  | {
      readonly is: 'set';
      readonly ranges: readonly (readonly [from: number, to: number])[];
      readonly not: boolean;
    };

/** One way through a pattern, by the segments of paths. A name is a single segment. */
type Way = readonly (readonly Part[])[];
/** A text that patterns are asked about, taken apart once. */
export type Segments = readonly (readonly string[])[];
export type Kind = 'name' | 'path';

const MAX_WAYS = 32;
const MAX_PARTS = 1_000;

/**
 * Turns a glob into a test of whole texts: `*` any text, `?` one character, `[a-c]`, `[!a-c]`, `{one,other}`, `\` before a
 * character taken as it is. In paths these stay within a segment, and `**` is any number of whole segments. A text is
 * compared in at most (its length) x (the pattern's, with its braces written out) steps, whatever the pattern: there is
 * nothing to try again as in a regular expression, where `*a*a*a*a*a*b` may take minutes.
 * @throws GlobError
 */
export function compileGlob(kind: Kind, text: string): (segments: Segments) => boolean {
  const ways = parse(kind, text).map((parts) => (kind === 'name' ? [parts] : segmentsOf(parts)));
  return (segments) =>
    ways.some((way) => walk(way, segments, isAnySegments, (part, chars) => fits(part, chars)));
}

/** Whether the pattern says nothing at all about a path. */
export const matchesEveryPath = (pattern: string): boolean => pattern === '**';

/** Goes through a text once: only the last star is ever tried again, one place further on. */
function walk<P, T>(
  pattern: readonly P[],
  text: readonly T[],
  isStar: (part: P) => boolean,
  same: (part: P, of: T) => boolean,
): boolean {
  let [at, from, star, tried] = [0, 0, -1, 0];
  while (from < text.length) {
    const part = pattern[at];
    if (part !== undefined && isStar(part)) {
      [star, tried] = [at, from];
      at += 1;
    } else if (part !== undefined && same(part, text[from]!)) {
      at += 1;
      from += 1;
    } else if (star >= 0) {
      at = star + 1;
      tried += 1;
      from = tried;
    } else return false;
  }
  while (at < pattern.length && isStar(pattern[at]!)) at += 1;
  return at === pattern.length;
}

const isStar = (part: Part): boolean => part.is === 'star';
const isAnySegments = (segment: readonly Part[]): boolean => segment[0]?.is === 'stars';

/** Where nothing is (before the first slash of `/out`), nothing may be asked for. */
const fits = (segment: readonly Part[], chars: readonly string[]): boolean =>
  chars.length === 0 ? segment.length === 0 : walk(segment, chars, isStar, fitsChar);

function fitsChar(part: Part, char: string): boolean {
  if (part.is === 'char') return part.char === char;
  if (part.is !== 'set') return part.is === 'any';
  const code = char.codePointAt(0) ?? 0;
  return part.ranges.some(([from, to]) => from <= code && code <= to) !== part.not;
}

/** Reads a glob; what is in braces is written out, one way for each. */
function parse(kind: Kind, text: string): readonly (readonly Part[])[] {
  const chars = Array.from(text);
  let at = 0;
  if (chars[0] === '!') throw new GlobError('begins with a !, which turns nothing round here (write \\!)');

  const sequence = (depth: number): readonly (readonly Part[])[] => {
    let ways: readonly (readonly Part[])[] = [[]];
    while (at < chars.length) {
      const char = chars[at]!;
      if (depth > 0 && (char === ',' || char === '}')) break;
      at += 1;
      ways = inTurn(ways, char === '{' ? choice(depth + 1) : [[part(char, depth)]]);
    }
    return ways;
  };

  const choice = (depth: number): readonly (readonly Part[])[] => {
    const found = [sequence(depth)];
    while (chars[at] === ',') {
      at += 1;
      found.push(sequence(depth));
    }
    if (chars[at] !== '}') throw new GlobError('has a { without its }');
    if (found.length === 1) throw new GlobError('has a { } without a comma in it (write \\{)');
    at += 1;
    return bounded(found.flat());
  };

  const part = (char: string, depth: number): Part => {
    if ('?*+@!'.includes(char) && chars[at] === '(')
      throw new GlobError(`has a ${char}(, which is not supported (write \\${char}\\()`);
    if (char === '*') return stars(depth);
    if (char === '?') return { is: 'any' };
    if (char === '[') return set();
    if (char === '/' && kind === 'path') return { is: 'slash' };
    return { is: 'char', char: char === '\\' ? escaped() : char };
  };

  const stars = (depth: number): Part => {
    const first = at - 1;
    while (chars[at] === '*') at += 1;
    if (kind === 'name' || at - first === 1) return { is: 'star' };
    const isWhole = [chars[first - 1], chars[at]].every((char) => char === undefined || char === '/');
    if (at - first > 2 || !isWhole || depth > 0)
      throw new GlobError('has a ** that is not between slashes, or is in braces');
    return { is: 'stars' };
  };

  const escaped = (): string => {
    const char = chars[at];
    if (char === undefined) throw new GlobError('ends with a \\');
    if (char === '/') throw new GlobError('has a \\ before a /');
    at += 1;
    return char;
  };

  const set = (): Part => {
    const not = chars[at] === '!' || chars[at] === '^';
    if (not) at += 1;
    const ranges: [number, number][] = [];
    while (chars[at] !== ']' || ranges.length === 0) {
      const from = member();
      const isRange = chars[at] === '-' && chars[at + 1] !== ']' && chars[at + 1] !== undefined;
      if (isRange) at += 1;
      const to = isRange ? member() : from;
      if (to < from) throw new GlobError('has a range that runs backwards');
      ranges.push([from, to]);
    }
    at += 1;
    return { is: 'set', ranges, not };
  };

  const member = (): number => {
    const char = chars[at];
    if (char === undefined) throw new GlobError('has a [ without its ]');
    at += 1;
    if (char === '[') throw new GlobError('has a [ within [ ] (write \\[)');
    return (char === '\\' ? escaped() : char).codePointAt(0) ?? 0;
  };

  return sequence(0);
}

/** Every way of the first, followed by every way of the second. */
function inTurn(first: readonly (readonly Part[])[], second: readonly (readonly Part[])[]) {
  if (first.length * second.length > MAX_WAYS) throw tooMany();
  return bounded(first.flatMap((before) => second.map((after) => [...before, ...after])));
}

function bounded(ways: readonly (readonly Part[])[]): readonly (readonly Part[])[] {
  if (ways.length > MAX_WAYS || ways.reduce((sum, way) => sum + way.length, 0) > MAX_PARTS) throw tooMany();
  return ways;
}

const tooMany = (): GlobError =>
  new GlobError(
    `says too much in its braces: written out, they are more than ${MAX_WAYS} ways or ${MAX_PARTS} characters`,
  );

function segmentsOf(parts: readonly Part[]): Way {
  const segments: Part[][] = [[]];
  for (const part of parts) {
    if (part.is === 'slash') segments.push([]);
    else segments.at(-1)!.push(part);
  }
  // Before the first slash of `/out`, and between those of `s3://bucket`.
  const scheme = textOf(segments[0] ?? []);
  const isUrl = scheme.endsWith(':') && segments[1]?.length === 0;
  if (isUrl && scheme !== scheme.toLowerCase()) throw new GlobError('has capital letters before its ://');
  if (isUrl && scheme === 'file:')
    throw new GlobError('is a file URL, which is compared as a path: write the path');
  const mayBeEmpty = (index: number): boolean =>
    segments.length > index + 1 && (index === 0 || (index === 1 && isUrl));
  for (const [index, segment] of segments.entries()) {
    if (segment.length === 0 && !mayBeEmpty(index))
      throw new GlobError('has nothing between two slashes or behind the last, where no path has nothing');
    if (['.', '..'].includes(textOf(segment)))
      throw new GlobError('has a . or .. as a segment, which no path has when it is compared');
  }
  return segments;
}

const textOf = (segment: readonly Part[]): string =>
  segment.every((part) => part.is === 'char') ? segment.map(({ char }) => char).join('') : '';
