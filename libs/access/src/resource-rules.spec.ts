import type { ResourceRule, ResourceType } from '@lineclear/contracts';
import fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, it } from 'vitest';
import { compileGlob, type Kind } from './glob.js';
import { placeOf } from './output-path.js';
import { explain, judge, patternFault } from './resource-rules.js';

let made = 0;
const rule = (
  type: ResourceType,
  pattern: string,
  action: 'allow' | 'deny' = 'allow',
  name = pattern,
): ResourceRule => {
  made += 1;
  return { id: made, name, type, pattern, action };
};
const key = {
  config: 'config',
  hardware: 'hardware',
  provider: 'provider',
  output_path: 'outputPath',
} as const;
const passes = (type: ResourceType, pattern: string, value: string): boolean =>
  judge([rule(type, pattern)], { [key[type]]: value }).allowed;

describe('a pattern of names', () => {
  it.each([
    ['team-x-*', 'team-x-flux', true],
    ['team-x-*', 'team-x-', true],
    ['team-x-*', 'team-xy', false],
    ['team-x-*', 'my-team-x-flux', false],
    ['team-x-*', 'TEAM-X-flux', false],
    ['gpu-a100*', 'gpu-a100-80gb', true],
    ['*-80gb', 'gpu-a100-80gb', true],
    ['*-80gb', 'gpu-a100-80gb-x', false],
    ['*', 'any/thing.at all', true],
    ['**', 'any/thing', true],
    ['*', '.hidden', true],
    ['a*/c', 'a/b/c', true],
    ['t?', 't4', true],
    ['t?', 't', false],
    ['t?', 't🙂', true],
    ['[ht]100', 'h100', true],
    ['[!ht]100', 'h100', false],
    ['[a-c]1', 'b1', true],
    ['[]x]1', ']1', true],
    ['{replicate,runpod}', 'runpod', true],
    ['{replicate,runpod}', 'local', false],
    ['a{b,c{d,e}}f', 'acef', true],
    ['a{,b}c', 'ac', true],
    ['2x\\*', '2x*', true],
    ['2x\\*', '2xA', false],
    ['(v2)', '(v2)', true],
    ['a.c', 'abc', false],
  ])('%j on %j: %s', (pattern, value, expected) => {
    expect(passes('config', pattern, value)).toBe(expected);
  });
});

describe('a pattern of output paths', () => {
  it.each([
    ['team-x/**', 'team-x/a/b', true],
    ['team-x/**', 'team-x', true],
    ['team-x/**', './team-x//a/', true],
    ['team-x/**', 'team-x/../team-y', false],
    ['team-x/**', 'team-x/../team-y/../team-x/a', true],
    ['team-x/**', 'team-x/../../etc', false],
    ['team-x/**', '/team-x/a', false],
    ['team-x/**', 'team-xy/a', false],
    ['team-x/**', 'team-x\\..\\team-y', false],
    ['team-x/**', 'team-x/%2e%2e/team-y', false],
    ['team-x/**', 'team-x/%252e%252e/team-y', false],
    ['team-x/**', 'team-x/a%2F..%2F..%2Fteam-y', false],
    ['team-x/*', 'team-x/a', true],
    ['team-x/*', 'team-x/a/b', false],
    ['team-x/*', 'team-x', false],
    ['team-x/a*', 'team-x/abc', true],
    ['*/out', 'team-x/out', true],
    ['*/out', '/out', false],
    ['**/out', '/a/b/out', true],
    ['**/out', 'out', true],
    ['/data/**/out', '/data/out', true],
    ['/data/**/out', '/data/a/b/out', true],
    ['/data/**/out', '/data/a/b/out/c', false],
    ['/data/*', '/data/../etc', false],
    ['/**', '/etc', true],
    ['/**', 'etc', false],
    ['/etc', '/../etc', true],
    ['/data/[!a]/x', '/data///x', false],
    ['s3://bucket/**', 's3://bucket/key/x', true],
    ['s3://bucket/**', 'S3://bucket/key', true],
    ['s3://bucket/**', 's3://bucket', true],
    ['s3://bucket/**', 's3://bucket/', true],
    ['s3://bucket/team-x/**', 's3://bucket/team-x//a/./b', true],
    ['s3://bucket/team-x/**', 's3://bucket/team-x/../team-y', false],
    ['s3://bucket/team-x/**', 's3://bucket/team-y/../team-x', false],
    ['s3://bucket/team-x/**', 's3://bucket/team-x/../../other/k', false],
    ['s3://bucket/**', 's3://bucket@evil/key', false],
    ['s3://bucket/**', 's3:/bucket/key', false],
    ['s3://bucket/**', 's3:///bucket/key', false],
    ['s3://*/team-x/**', 's3://any/team-x/k', true],
    ['s3://*/team-x/**', 's3://any/other/team-x/k', false],
    ['s3://{a,b}/**', 's3://b/k', true],
    ['/data/**', 'file:///data/x', true],
    ['/data/**', 'file://localhost/data/x', true],
    ['/data/**', 'file://elsewhere/data/x', false],
    ['/data/**', 'file:///data/%2e%2e/etc', false],
    ['*', '.', false],
    ['**', '.', true],
    ['**', 'weird\\path', true],
    ['**', '../up', true],
    ['**/*', '../up', false],
    ['a{b,/c}/d', 'a/c/d', true],
  ])('%j on %j: %s', (pattern, value, expected) => {
    expect(passes('output_path', pattern, value)).toBe(expected);
  });

  it('compares what is in order already with nothing to put in order', () => {
    const segment = fc.constantFrom('..', '.', '', 'a', 'b', 'team-x');
    const paths = fc.array(segment, { maxLength: 8 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(paths, (path) => {
        const place = placeOf(path);
        if (place.state === 'unclear') return;
        expect(placeOf(place.path)).toEqual(place);
        expect(place.path.split('/').filter((part) => part === '..')).toEqual([]);
      }),
    );
  });
});

describe('a pattern that is refused', () => {
  it.each([
    ['output_path', 'a/../b', '. or ..'],
    ['output_path', './a', '. or ..'],
    ['output_path', 'a//b', 'nothing between two slashes'],
    ['output_path', 'a/', 'behind the last'],
    ['output_path', '{a,a/..}/b', '. or ..'],
    ['output_path', 'a**b', 'not between slashes'],
    ['output_path', '***', 'not between slashes'],
    ['output_path', '{**,a}/b', 'not between slashes'],
    ['output_path', 'S3://b/**', 'capital letters'],
    ['output_path', 'file:///data/**', 'write the path'],
    ['output_path', 's3:///b', 'nothing between two slashes'],
    ['output_path', 'a\\/b', '\\ before a /'],
    ['config', '{a,b', '{ without its }'],
    ['config', '{a}', 'without a comma'],
    ['config', '{1..9}', 'without a comma'],
    ['config', '[a', '[ without its ]'],
    ['config', '[b-a]', 'backwards'],
    ['config', '[[:alpha:]]', '[ within'],
    ['config', 'a\\', 'ends with'],
    ['config', '!team', 'begins with a !'],
    ['config', '+(a|b)', '+('],
    ['config', 'x@(a|b)', '@('],
    ['config', 'x!(a)', '!('],
    ['config', '*(a)', '*('],
    ['config', '{a,b}'.repeat(6), 'too much'],
    ['config', '{a,b}'.repeat(40), 'too much'],
    ['config', `{${'a,'.repeat(33)}b}`, 'too much'],
    ['config', `${'{a,b}'.repeat(5)}${'x'.repeat(100)}`, 'too much'],
  ] as const)('%s %j: %s', (type, pattern, why) => {
    expect(patternFault(type, pattern)).toContain(why);
  });

  it('lets nothing through for it if it comes from elsewhere', () => {
    const { allowed, decisions } = judge([rule('config', '+(a|b)')], { config: '+(a|b)', hardware: 'x' });
    expect(allowed).toBe(false);
    expect(decisions[0]).toMatchObject({ because: 'no_rule_matches', matched: [] });
  });
});

describe('matching', () => {
  // Each takes a matcher that tries one way after the other from minutes to the age of the world.
  it.each([
    ['*a'.repeat(99), 'a'.repeat(400)],
    [`${'*a'.repeat(99)}b`, 'a'.repeat(400)],
    [`*${'a'.repeat(198)}b`, 'a'.repeat(400)],
    [`${'**/'.repeat(66)}x`, 'a/'.repeat(500)],
    [`${'**/*a*/'.repeat(28)}b`, 'aaa/'.repeat(250)],
    [`${'*?'.repeat(99)}b`, 'a'.repeat(400)],
    [`{a,b}{a,b}{a,b}{a,b}${'*a'.repeat(20)}b`, 'a'.repeat(400)],
    [`{${'*a*,'.repeat(20)}*b}`, 'a'.repeat(400)],
    [`${'[!b]*'.repeat(39)}b`, 'a'.repeat(400)],
  ])('takes few steps with the nastiest pattern: %j', (pattern, text) => {
    expect(looksOf('name', pattern.replaceAll('/', ''), text)).toBeLessThan(1_000 * text.length);
    expect(looksOf('path', pattern, text)).toBeLessThan(1_000 * text.length);
  });

  it('agrees with a well-known matcher', () => {
    const atom = fc.constantFrom('a', 'b', '-', '.', '?', '*', '[ab]', '[^a]', '[a-b]', '{a,b}', '{ab,b*}');
    const segment = fc.array(atom, { minLength: 1, maxLength: 5 }).map((atoms) => atoms.join(''));
    const glob = fc.array(fc.oneof(segment, fc.constant('**')), { minLength: 1, maxLength: 4 });
    const name = fc.array(fc.constantFrom('a', 'b', '-', '.'), { minLength: 1, maxLength: 5 });
    const path = fc.array(
      name.map((chars) => chars.join('')),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(glob, path, (globs, names) => {
        const [pattern, text] = [globs.join('/'), names.join('/')];
        fc.pre(
          names.every((one) => !/^\.\.?$/.test(one)) && patternFault('output_path', pattern) === undefined,
        );
        // There `a/**` is also `a` itself, but `*/**` is not.
        fc.pre(!pattern.endsWith('*/**'));
        const theirs = picomatch(pattern, { dot: true, noext: true, nonegate: true });
        expect(passes('output_path', pattern, text), `${pattern} on ${text}`).toBe(theirs(text));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** How many characters of the text a pattern looks at. */
function looksOf(kind: Kind, pattern: string, text: string): number {
  let looks = 0;
  const counted = (chars: string[]): string[] =>
    new Proxy(chars, {
      get(target, at, receiver): unknown {
        if (typeof at === 'string' && /^\d+$/.test(at)) looks += 1;
        return Reflect.get(target, at, receiver);
      },
    });
  const segments = kind === 'name' ? [text] : text.split('/');
  compileGlob(kind, pattern)(segments.map((segment) => counted(Array.from(segment))));
  return looks;
}

describe('the rules that are promised', () => {
  const isolated = [rule('config', 'team-x-*'), rule('config', '*', 'deny', 'everything else')];
  it.each([
    ['team-x-flux', true, 'allowed_by_rule', 'team-x-*'],
    ['team-y-flux', false, 'denied_by_rule', 'everything else'],
  ] as const)('a team keeps to itself: %s', (config, allowed, because, name) => {
    const { decisions } = judge(isolated, { config });
    expect(decisions[0]).toMatchObject({ allowed, because, rule: { name } });
  });

  const researcher = [rule('hardware', 'gpu-t4*'), rule('hardware', 'gpu-v100*')];
  const lead = [rule('hardware', '*')];
  it.each([
    ['gpu-t4', researcher, true],
    ['gpu-v100-16gb', researcher, true],
    ['gpu-a100', researcher, false],
    ['gpu-a100', lead, true],
  ] as const)('hardware is restricted by level: %s', (hardware, rules, allowed) => {
    expect(judge(rules, { hardware, config: 'any', provider: 'replicate' }).allowed).toBe(allowed);
  });
});

describe('judge', () => {
  it('restricts only what has rules and is asked for', () => {
    const rules = [rule('output_path', 'team-x/**')];
    expect(judge(rules, { config: 'c', hardware: 'h', provider: 'p' }).allowed).toBe(true);
    expect(judge(rules, { outputPath: 'elsewhere' }).allowed).toBe(false);
    expect(judge([], { config: 'c', outputPath: '../x' }).allowed).toBe(true);
    // A type that has only denials has no way in.
    expect(judge([rule('provider', 'runpod', 'deny')], { provider: 'replicate' }).allowed).toBe(false);
  });

  it.each([
    [{ config: 'x' }, 0, 'no resource rule is about any configuration'],
    [{}, 1, 'no hardware was named'],
    [{ hardware: 'a100' }, 1, 'no resource rule allows the hardware "a100"'],
    [{ hardware: 't4' }, 1, 'the resource rule "t4" allows the hardware "t4"'],
    [{ provider: 'runpod' }, 2, 'the resource rule "no runpod" denies the provider "runpod"'],
    [
      { outputPath: 'out/../..' },
      3,
      'no resource rule allows the output path "out/../..", which leads out of the folder it begins in',
    ],
  ] as const)('explains %j', (asked, at, text) => {
    const rules = [
      rule('hardware', 't4'),
      rule('provider', 'runpod', 'deny', 'no runpod'),
      rule('output_path', 'out'),
    ];
    expect(explain(judge(rules, asked).decisions[at]!)).toBe(text);
  });

  const types = fc.constantFrom(
    'config' as const,
    'hardware' as const,
    'provider' as const,
    'output_path' as const,
  );
  const patterns = fc.constantFrom('*', '**', 'a', 'a*', '*b', '[ab]', '{a,ab}', 'b?', 'a/**', '/a');
  const someRules = fc.array(
    fc.record({ type: types, pattern: patterns, action: fc.constantFrom('allow' as const, 'deny' as const) }),
    { maxLength: 12 },
  );
  const numbered = (given: readonly Omit<ResourceRule, 'id' | 'name'>[]): ResourceRule[] =>
    given.map((one, n) => ({ ...one, id: n + 1, name: `rule ${n + 1}` }));
  const value = fc.option(fc.constantFrom('a', 'b', 'ab', 'bb', 'a/b', '/a', 'a/../b', '..'), {
    nil: undefined,
  });
  const someAsked = fc.record({ config: value, hardware: value, provider: value, outputPath: value });

  it('says the same in whatever order the rules are', () => {
    fc.assert(
      fc.property(
        someRules
          .map(numbered)
          .chain((rules) =>
            fc.tuple(fc.constant(rules), fc.shuffledSubarray(rules, { minLength: rules.length })),
          ),
        someAsked,
        ([rules, shuffled], asked) => {
          const outline = (given: readonly ResourceRule[]) =>
            judge(given, asked).decisions.map(({ allowed, because, matched }) => ({
              allowed,
              because,
              matched: matched.map(({ id }) => id).sort((a, b) => a - b),
            }));
          expect(outline(shuffled)).toEqual(outline(rules));
        },
      ),
    );
  });

  it('never takes away by one more allow where there are rules already', () => {
    fc.assert(
      fc.property(someRules, types, patterns, someAsked, (given, type, pattern, asked) => {
        const rules = numbered([...given, { type, pattern: 'other', action: 'deny' }]);
        const more = [...rules, { id: 99, name: 'more', type, pattern, action: 'allow' as const }];
        const [before, after] = [judge(rules, asked), judge(more, asked)];
        before.decisions.forEach((decision, n) => {
          if (decision.allowed) expect(after.decisions[n]!.allowed).toBe(true);
        });
      }),
    );
  });

  it('never gives by one more deny', () => {
    fc.assert(
      fc.property(someRules, types, patterns, someAsked, (given, type, pattern, asked) => {
        const rules = numbered(given);
        const more = [...rules, { id: 99, name: 'more', type, pattern, action: 'deny' as const }];
        if (!judge(rules, asked).allowed) expect(judge(more, asked).allowed).toBe(false);
      }),
    );
  });

  it('says what its rule says in plain words', () => {
    fc.assert(
      fc.property(someRules.map(numbered), someAsked, (rules, asked) => {
        const plainly = (['config', 'hardware', 'provider', 'output_path'] as const).every((type) => {
          const about = rules.filter((one) => one.type === type);
          const wanted = asked[key[type]];
          if (wanted === undefined || about.length === 0) return true;
          return about.some(({ action, pattern }) => action === 'allow' && passes(type, pattern, wanted));
        });
        expect(judge(rules, asked).allowed).toBe(plainly);
      }),
    );
  });
});
