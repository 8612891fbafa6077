import type { KnownValues } from './known-values.js';

/** A stream of bytes with what must not be seen replaced. `push` gives what can be shown by now, `end` the rest. */
export interface StreamMasker {
  readonly push: (chunk: Uint8Array) => Buffer;
  readonly end: () => Buffer;
}

interface Span {
  readonly from: number;
  to: number;
}

export const MASK = '[secret]';

/**
 * Replaces each run of bytes that values cover, one value alone or several that overlap or touch, by one mask. How the text is
 * cut into chunks makes no difference: the end of a chunk is held back as long as a value may begin in it, and no longer.
 */
export function maskStream(values: KnownValues, mask = MASK): StreamMasker {
  const shownMask = Buffer.from(mask);
  /** What values cover of what is not shown yet. */
  let covered: Span[] = [];
  const scanner = values.scanner(({ ownFrom, to }) => {
    const last = covered.at(-1);
    // Values that repeat themselves are found at every byte.
    if (last && ownFrom >= last.from && ownFrom <= last.to) last.to = Math.max(last.to, to);
    else covered.push({ from: ownFrom, to });
    return false;
  });
  let held: Uint8Array = Buffer.alloc(0);
  /** How many bytes were shown, and whether the last of them was covered. */
  let shown = 0;
  let endsCovered = false;

  /** What is before that place of the stream. */
  function show(text: Uint8Array, until: number): Buffer {
    const parts: Uint8Array[] = [];
    const start = shown;
    if (covered.length > 1) covered.sort((a, b) => a.from - b.from);
    for (const { from, to } of covered) {
      if (from >= until) break;
      if (to <= shown) continue;
      if (from > shown) parts.push(text.subarray(shown - start, from - start));
      if (from > shown || !endsCovered) parts.push(shownMask);
      endsCovered = true;
      shown = Math.max(shown, Math.min(to, until));
    }
    if (until > shown) {
      parts.push(text.subarray(shown - start, until - start));
      endsCovered = false;
    }
    shown = until;
    if (covered.length > 0) covered = covered.filter(({ to }) => to > until);
    held = text.subarray(until - start);
    return Buffer.concat(parts);
  }

  return {
    push(chunk) {
      const text = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      scanner.push(chunk);
      return show(text, scanner.heldFrom);
    },
    end: () => show(held, shown + held.length),
  };
}
