import type { LogPart } from './adapter.js';

/** Where reading goes on: in which line of which pod, and how much of it was taken. Lines may share a time: `nth` tells them apart. */
interface Place {
  readonly pod: string;
  readonly at: string;
  readonly nth: number;
  readonly chars: number;
}

interface Line {
  readonly at: string;
  readonly nth: number;
  readonly text: string;
}

/** A cursor, or where the log of this pod begins: after a move to another node there is another pod. */
export function placeOf(cursor: string | null, pod: string): Place {
  const [its, at = '', nth = '0', chars = '0'] = (cursor ?? '').split(' ');
  return its === pod
    ? { pod, at, nth: Number(nth), chars: Number(chars) }
    : { pod, at: '', nth: 0, chars: 0 };
}

const textOf = ({ pod, at, nth, chars }: Place): string => `${pod} ${at} ${nth} ${chars}`;

/** What is asked for: whole seconds are all that the kubelet is told. */
export const sinceOf = ({ at }: Place): string | undefined =>
  at === '' ? undefined : new Date(Number(at.split('.')[0]) * 1_000).toISOString();

/** What is new of an answer with `timestamps=true`. */
export function partOf(
  answer: string,
  from: Place,
  { isOver, isCut }: { isOver: boolean; isCut: boolean },
): LogPart {
  const whole = isOver && !isCut ? answer : answer.slice(0, answer.lastIndexOf('\n') + 1);
  const lines = linesOf(whole).flatMap((line) => {
    if (line.at < from.at || (line.at === from.at && line.nth < from.nth)) return [];
    const skipped = line.at === from.at && line.nth === from.nth ? from.chars : 0;
    return skipped >= line.text.length ? [] : [{ ...line, skipped, text: line.text.slice(skipped) }];
  });
  // All that may be asked for was read already, or is the beginning of one line: waiting brings no more of this second.
  if (isCut && lines.length === 0)
    return leftOut(whole === '' ? { ...from, at: linesOf(answer)[0]?.at || from.at } : from);
  return {
    text: lines.map(({ text }) => text).join(''),
    cursorAt(taken) {
      let place = from;
      let rest = taken;
      for (const { at, nth, skipped, text } of lines) {
        if (rest <= 0) break;
        place = { pod: from.pod, at, nth, chars: skipped + Math.min(rest, text.length) };
        rest -= text.length;
      }
      return textOf(place);
    },
    more: isCut,
  };
}

function leftOut(from: Place): LogPart {
  const next = `${Number(from.at.split('.')[0]) + 1}.${'0'.repeat(9)}`;
  return {
    text: '[more output within a second than can be read: the rest of it is left out]\n',
    cursorAt: () => textOf({ pod: from.pod, at: next, nth: 0, chars: 0 }),
    more: true,
  };
}

function linesOf(answer: string): Line[] {
  const lines: Line[] = [];
  // No pattern that takes a line whole: one of megabytes is more than its stack holds.
  for (const raw of answer.split(/(?<=\n)/)) {
    if (raw === '') continue;
    const space = raw.indexOf(' ');
    const at = timeOf(space === -1 ? raw.trimEnd() : raw.slice(0, space));
    const last = lines.at(-1);
    if (at === undefined) {
      // Not a line of the log, but what the kubelet says of it.
      lines.push({ at: last?.at ?? '', nth: last ? last.nth + 1 : 0, text: raw });
      continue;
    }
    const nth = last?.at === at ? last.nth + 1 : 0;
    lines.push({ at, nth, text: space === -1 ? '\n' : raw.slice(space + 1) });
  }
  return lines;
}

/** Seconds and nanoseconds since 1970, of a fixed length: nodes write times in zones of their own. */
function timeOf(stamp: string): string | undefined {
  const [, seconds, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(stamp) ?? [];
  if (seconds === undefined) return undefined;
  return `${Date.parse(`${seconds}${zone}`) / 1_000}.${fraction.padEnd(9, '0')}`;
}
