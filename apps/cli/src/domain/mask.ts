import { buildNeedles } from './needles.js';

/** A stream of bytes with what must not be seen replaced. `push` gives what can be shown by now, `end` the rest. */
export interface Masker {
  readonly push: (chunk: Uint8Array) => Buffer;
  readonly end: () => Buffer;
}

interface Span {
  from: number;
  to: number;
}

export const MASK = '[secret]';

/**
 * Replaces each run of bytes that needles cover, one needle alone or several that overlap or touch, by one mask. How the text
 * is cut into chunks makes no difference: the end of a chunk is held back as long as a needle may begin in it, and no longer.
 */
export function maskStream(values: readonly string[], mask = MASK): Masker {
  const needles = buildNeedles(values.map((value) => Buffer.from(value)));
  const shown = Buffer.from(mask);
  let state = 0;
  let held: Uint8Array = Buffer.alloc(0);
  /** Covered parts of what is held, in order, apart from each other. */
  let covered: Span[] = [];
  let endedCovered = false;

  function cover(from: number, to: number): void {
    let start = from;
    for (let last = covered.at(-1); last && last.to >= start; last = covered.at(-1)) {
      start = Math.min(start, last.from);
      covered.pop();
    }
    covered.push({ from: start, to });
  }

  function release(text: Uint8Array, count: number): Buffer {
    const parts: Uint8Array[] = [];
    const rest: Span[] = [];
    let at = 0;
    for (const { from, to } of covered) {
      if (from < count) {
        parts.push(text.subarray(at, from));
        const goesOn = from === 0 && endedCovered;
        if (!goesOn) parts.push(shown);
        at = Math.min(to, count);
      }
      if (to > count) rest.push({ from: Math.max(from - count, 0), to: to - count });
    }
    if (count > 0) endedCovered = covered.some(({ from, to }) => from < count && to >= count);
    parts.push(text.subarray(at, count));
    covered = rest;
    held = text.subarray(count);
    return Buffer.concat(parts);
  }

  return {
    push(chunk) {
      const text = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      for (let at = held.length; at < text.length; at += 1) {
        state = needles.next(state, text[at] ?? 0);
        const length = needles.longest[state] ?? 0;
        if (length > 0) cover(at + 1 - length, at + 1);
      }
      return release(text, text.length - (needles.depth[state] ?? 0));
    },
    end() {
      state = 0;
      return release(held, held.length);
    },
  };
}
