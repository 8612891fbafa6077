import { verdictOf, type Verdict } from './grammar.js';
import { htmlText } from './html-text.js';
import { notHumanOf, type Headers, type NotHuman } from './not-human.js';
import { ownTextOf } from './own-text.js';

export interface ParsedReply {
  readonly text?: string | undefined;
  readonly html?: string | undefined;
  readonly headers: Headers;
}
export interface Ours {
  /** What our mails come from, and where answers go to. */
  readonly addresses: readonly string[];
  readonly name?: string;
}
export type ReadReply = ({ kind: 'reply'; ownText: string } & Verdict) | NotHuman;

type Reading = Verdict & { ownText: string };

function readText(text: string, ours: Ours): Reading {
  const own = ownTextOf(text, ours.addresses, ours.name);
  const verdict = verdictOf(own.text);
  if (verdict.verdict === 'approve' && own.below !== '')
    return { verdict: 'unclear', why: 'something is written below the quoted mail too', ownText: own.text };
  return { ...verdict, ownText: own.text };
}

function readHtml(html: string, ours: Ours): Reading {
  const read = htmlText(html);
  return 'refused' in read
    ? { verdict: 'unclear', why: read.refused, ownText: '' }
    : readText(read.text, ours);
}

/** How an answer to an approval mail is read. Who sent it is another question. */
export function readReply({ text, html, headers }: ParsedReply, ours: Ours): ReadReply {
  const machine = notHumanOf(headers, ours.addresses);
  if (machine) return machine;
  const hasText = text !== undefined && text.trim() !== '';
  const plain = hasText || html === undefined ? readText(text ?? '', ours) : undefined;
  const rich = html === undefined || html.trim() === '' ? undefined : readHtml(html, ours);
  const reading = plain ?? rich ?? readText('', ours);
  // Whoever sees the one part does not see the other: an approval has to stand in both.
  if (
    plain &&
    rich &&
    plain.verdict !== rich.verdict &&
    [plain, rich].some(({ verdict }) => verdict === 'approve')
  )
    return {
      kind: 'reply',
      verdict: 'unclear',
      why: 'its text and its HTML say different things',
      ownText: reading.ownText,
    };
  return { kind: 'reply', ...reading };
}
