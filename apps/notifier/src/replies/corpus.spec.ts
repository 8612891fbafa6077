import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DOUBTFUL_PHRASES, DOUBTS, DOUBTS_BEGIN, DOUBTS_INSIDE } from './doubts.js';
import { readReply } from './read-reply.js';
import { APPROVES, SAYS_YES } from './verbs.js';

const folder = new URL('../../corpus/replies/', import.meta.url);
const entry = z
  .strictObject({
    id: z.string().min(1),
    client: z.string().min(1),
    language: z.string().length(2),
    group: z.enum(['plain', 'hostile', 'machine']),
    text: z.string().optional(),
    html: z.string().optional(),
    headers: z.record(z.string(), z.string()).optional(),
    expect: z.enum(['approve', 'reject', 'unclear', 'auto_reply', 'bounce', 'list', 'own']),
    accept_unclear: z.literal(true).optional(),
  })
  .refine(({ text, html }) => text !== undefined || html !== undefined, 'has neither text nor html');
const corpus = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .flatMap((name) => z.array(entry).parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))));

const ADDRESS = 'approvals@lineclear.test';
const ours = { addresses: ['house@lineclear.test', ADDRESS], name: 'Lineclear' };
const outcomeOf = (text: string | undefined, html?: string, headers: Record<string, string> = {}): string => {
  const read = readReply({ text, html, headers }, ours);
  return read.kind === 'reply' ? read.verdict : read.kind;
};

it.each(corpus.map((one) => [one.id, one] as const))('reads %s as expected', (_, one) => {
  const outcome = outcomeOf(one.text, one.html, one.headers);
  expect(one.accept_unclear ? [one.expect, 'unclear'] : [one.expect]).toContain(outcome);
});

it('approves nothing that is no approval', () => {
  const wrong = corpus.filter(
    (one) => one.expect !== 'approve' && outcomeOf(one.text, one.html, one.headers) === 'approve',
  );
  expect(wrong.map(({ id }) => id)).toEqual([]);
});

it('is large, mostly hostile, of many languages, and names nothing twice', () => {
  expect(corpus.length).toBeGreaterThanOrEqual(300);
  expect(corpus.filter(({ group }) => group !== 'plain').length).toBeGreaterThanOrEqual(150);
  expect(new Set(corpus.map(({ language }) => language)).size).toBeGreaterThanOrEqual(20);
  expect(new Set(corpus.map(({ id }) => id)).size).toBe(corpus.length);
});

const words = (lists: Readonly<Record<string, string>>) =>
  Object.values(lists).flatMap((list) => list.split(' '));
const verb = fc.constantFrom(...APPROVES, ...SAYS_YES);
const phrases = Object.values(DOUBTFUL_PHRASES).flatMap((list) => list.split('|'));
const amounts = ['$100', '20 €', '2 GPUs', '4x', '50%', '3 hours', 'max 10', '2 Stunden', '1 час', '2小时'];
const doubt = fc.constantFrom(
  ...[DOUBTS, DOUBTS_BEGIN, DOUBTS_INSIDE].flatMap(words),
  ...phrases,
  ...amounts,
);
const filler = fc.oneof(
  fc.constantFrom('', ' ', '\n', ', ', '. ', ' - ', '\u200b', '👍', 'thanks', '-- ', '> ', 'From: ', '\r\n'),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
);

describe('whatever is written', () => {
  it('no text with a word of doubt among its own approves', () => {
    fc.assert(
      fc.property(
        verb,
        doubt,
        fc.constantFrom(' ', ', ', '\n', '. ', ' - ', '\n\n'),
        fc.boolean(),
        (v, d, gap, first) => {
          expect(outcomeOf(first ? `${d}${gap}${v}` : `${v}${gap}${d}`)).not.toBe('approve');
          expect(outcomeOf(`${v}, thanks${gap}run it${gap}${d.toUpperCase()}`)).not.toBe('approve');
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('nothing quoted below makes an approval of what was none', () => {
    const own = fc.array(fc.oneof(filler, verb, doubt), { maxLength: 6 }).map((parts) => parts.join(''));
    const quoted = fc.array(fc.oneof(verb, filler), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(own, quoted, fc.boolean(), (text, lines, isNamed) => {
        fc.pre(outcomeOf(text) !== 'approve');
        const by = isNamed ? `On Mon, 23 Nov 2026 at 10:12, Lineclear <${ADDRESS}> wrote:\n` : '';
        const tail = lines.map((line) => `> ${line.replace(/[\r\n]/gu, ' ')}`).join('\n');
        expect(outcomeOf(`${text}\n${by}${tail}`)).not.toBe('approve');
      }),
      { numRuns: 2_000 },
    );
  });
});

it('refuses HTML that is too long or too deep without walking it', () => {
  expect(outcomeOf(undefined, `${'<div>'.repeat(200_000)}Approve`)).toBe('unclear');
  expect(outcomeOf(undefined, `${'<b>'.repeat(50_000)}Approve`)).toBe('unclear');
  expect(outcomeOf(undefined, `<p>Approve</p>${' '.repeat(256_000)}`)).toBe('unclear');
  expect(outcomeOf(undefined, `<p>Approve</p>${' '.repeat(200_000)}`)).toBe('approve');
});

it('reads styles that are built to be hard to read', () => {
  for (const css of ['font:', 'text-decoration:'])
    expect(outcomeOf(undefined, `<style>${css.repeat(15_000)}</style><p>Approve</p>`)).toBe('approve');
});
