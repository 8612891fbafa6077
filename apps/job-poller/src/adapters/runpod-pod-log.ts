import { z } from 'zod';
import type { LogPart } from './adapter.js';
import { isExitMark } from './container.js';

/** A line of a pod's output. */
export interface PodLine {
  readonly id: string;
  readonly text: string;
}

const data = z.looseObject({ line: z.string() });
const MAX_ID = 100;

/** The lines in a stream of server-sent events; what is not whole yet at its end is left out. */
export function linesIn(stream: string): PodLine[] {
  const blocks = stream.split(/\r?\n\r?\n/).slice(0, -1);
  return blocks.flatMap((block): PodLine[] => {
    const id = fieldIn(block, 'id');
    const parsed = data.safeParse(jsonIn(fieldIn(block, 'data')));
    return id === undefined || id.length > MAX_ID || !parsed.success ? [] : [{ id, text: parsed.data.line }];
  });
}

const fieldIn = (block: string, name: 'id' | 'data'): string | undefined =>
  new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1]?.trimEnd();

function jsonIn(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How far a log was read: to the line with the id `after`, and `skip` characters into the next. */
export interface PodCursor {
  readonly after: string;
  readonly skip: number;
}

export function readCursor(cursor: string | null): PodCursor {
  const [, skip, after] = /^(\d+) (.*)$/.exec(cursor ?? '') ?? [];
  return { after: after ?? '', skip: Number(skip ?? 0) };
}

/** What is new of the lines. A resumed stream may begin with the line that it was to go on after. */
export function partOfLines(lines: readonly PodLine[], { after, skip }: PodCursor, more: boolean): LogPart {
  const fresh = lines
    .slice(lines.findIndex(({ id }) => id === after) + 1)
    .map(({ id, text }) => ({ id, text: isExitMark(text) ? '' : `${text}\n` }));
  const text = fresh.map((line) => line.text).join('');
  return {
    text: text.slice(skip),
    more,
    cursorAt(taken) {
      let rest = taken + skip;
      let last = after;
      for (const line of fresh) {
        if (line.text.length > rest) break;
        rest -= line.text.length;
        last = line.id;
      }
      return `${rest} ${last}`;
    },
  };
}
