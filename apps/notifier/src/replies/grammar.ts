import { doubtOf } from './doubts.js';
import { disguiseOf, normalise, wordsOf } from './normalise.js';
import { APPROVES, POLITE_WORDS, REJECTS, SAYS_YES } from './verbs.js';

export type Verdict =
  { verdict: 'approve' | 'reject'; comment?: string } | { verdict: 'unclear'; why: string };

const MAX_APPROVAL_CHARS = 2_000;
const MAX_VERB_CHARS = 60;
const SEPARATOR = /^\s*(?:[,.:;!。、،؛।]+|\s[-–—]+(?=\s))\s*/u;
const unclear = (why: string): Verdict => ({ verdict: 'unclear', why });

interface Start {
  readonly verb: string;
  readonly rest: string;
  /** Punctuation, or the end of the line, stands behind the verb. */
  readonly isApart: boolean;
}

/** The longest verb a line begins with. */
function startOf(line: string): Start | undefined {
  // What was bold in HTML has stars around it in text.
  const text = normalise(line)
    .trim()
    .replace(/^¡/u, '')
    .replace(/^(\*{1,2})([^*]+)\1/u, '$2');
  let best: Start | undefined;
  for (const verb of [...APPROVES, ...REJECTS, ...SAYS_YES]) {
    if (!text.startsWith(verb) || (best && best.verb.length >= verb.length)) continue;
    const after = text.slice(verb.length);
    const separator = SEPARATOR.exec(after)?.[0] ?? '';
    const isApart = after.trim() === '' || separator !== '';
    if (!isApart && !/^\s/u.test(after)) continue;
    best = { verb, rest: after.slice(separator.length).trim(), isApart };
  }
  return best;
}

// "Approved: N", as if it were a form.
const SAYS_NO =
  /^(?:n|ng|x|f|0|[×✗✘⨯]|n\/?a|tb[acd]|todo|off|disabled|null|nil|zero|blank|empty|unknown|[-_.]+|[[(]\s*(?:x\s*)?[\])])[.!]?$/u;

// "Yes..." goes on somewhere, and nobody knows where.
const TRAILS_OFF = /\.{2}|…|。{2}/u;

const isPolite = (text: string): boolean =>
  !/\d/u.test(text) && wordsOf(normalise(text)).every((word) => POLITE_WORDS.has(word));
const NAME = /^\p{Lu}[\p{L}\p{M}'.-]*(?:\s\p{Lu}[\p{L}\p{M}'.-]*){0,2}$/u;

/** Whether a text says one of these verbs, as words. */
function says(verbs: ReadonlySet<string>, text: string): boolean {
  const spoken = ` ${wordsOf(normalise(text)).join(' ')} `;
  // Of "flux-1" and "2026-11-28" no "-1" is a sign.
  const signs = normalise(text).replace(/(?<=[\p{L}\d])-\d|-\d{2,}/gu, ' ');
  return [...verbs].some((verb) =>
    /\p{L}/u.test(verb)
      ? verb.length > 1 && spoken.includes(` ${wordsOf(verb).join(' ')} `)
      : signs.includes(verb),
  );
}

const commentOf = (text: string): { comment?: string } =>
  text === '' ? {} : { comment: text.slice(0, 1_000) };

/** The comment as it was written: what follows the verb on its line, and the lines below. */
function written(first: string, start: Start, below: readonly string[]): string {
  const normal = normalise(first).trim();
  const kept =
    first.trim().length === normal.length
      ? first.trim().slice(normal.length - start.rest.length)
      : start.rest;
  return [start.rest === '' ? '' : kept, ...below].join('\n').trim();
}

/** What a person decided by these words of their own. In doubt it is unclear, and the request stays as it is. */
export function verdictOf(ownText: string): Verdict {
  const lines = ownText.split(/\r\n|[\n\r\u2028\u2029\u0085]/u).map((line) => line.trim());
  const at = lines.findIndex((line) => normalise(line).trim() !== '');
  if (at === -1) return unclear('nothing is written above the quoted mail');
  const first = lines[at] ?? '';
  const below = lines.slice(at + 1).filter((line) => line !== '');
  const disguise = disguiseOf(ownText);
  if (disguise !== undefined) return unclear(disguise);
  const start = startOf(first.slice(0, MAX_APPROVAL_CHARS));
  if (!start || start.verb.length > MAX_VERB_CHARS)
    return unclear('the first line is neither APPROVE nor REJECT');
  const isThanked = start.rest !== '' && isPolite(start.rest);
  if (!start.isApart && !isThanked) return unclear(`the first line says more than "${start.verb}"`);
  const comment = written(first, start, below);
  if (REJECTS.has(start.verb)) return rejection(start, comment);
  if (ownText.length > MAX_APPROVAL_CHARS) return unclear('it is too long for an approval');
  const doubt = doubtOf(ownText);
  if (doubt !== undefined) return unclear(`an approval does not go with ${doubt}`);
  if (says(REJECTS, comment) || SAYS_NO.test(normalise(start.rest)))
    return unclear('it both approves and rejects');
  const isWhole = (start.rest === '' || isThanked) && !TRAILS_OFF.test(first);
  if (SAYS_YES.has(start.verb) && !(isWhole && isClosing(below)))
    return unclear(`"${start.verb}" may answer something else; write APPROVE`);
  return { verdict: 'approve', ...commentOf(comment) };
}

/** Thanks and regards, and a name below them: a word that stands alone may be a condition, such as a day. */
const isClosing = (below: readonly string[]): boolean =>
  below.length <= 3 &&
  below.every((line, at) => isPolite(line) || (at > 0 && at === below.length - 1 && NAME.test(line)));

function rejection(start: Start, comment: string): Verdict {
  if (says(APPROVES, comment)) return unclear('it both rejects and approves');
  const again = startOf(comment.split('\n')[0] ?? '');
  if (again && SAYS_YES.has(again.verb)) return unclear('it both rejects and says yes');
  const isPlea = /^(?:problem|worries|objection|wait)/u.test(normalise(comment));
  return isPlea
    ? unclear(`"${start.verb}" may answer something else; write REJECT`)
    : { verdict: 'reject', ...commentOf(comment) };
}
