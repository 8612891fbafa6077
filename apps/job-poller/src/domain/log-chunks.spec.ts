import fc from 'fast-check';
import { expect, it } from 'vitest';
import { appendLog, MAX_LOG_BYTES } from './log-chunks.js';

const EMPTY = { logSeq: 0, logBytes: 0, logTruncated: false };

it('cuts long output into numbered pieces that together are what came', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 }), (texts) => {
      const long = texts.map((text) => text.replaceAll('\u0000', '').repeat(3_000));
      let state = EMPTY;
      const chunks = long.flatMap((text) => {
        const added = appendLog(state, text);
        state = added.state;
        return added.chunks;
      });
      expect(chunks.map(({ seq }) => seq)).toEqual(chunks.map((_, n) => n));
      expect(chunks.map(({ text }) => text).join('')).toBe(long.join(''));
      expect(chunks.every(({ text }) => text.length <= 64_000 && text.isWellFormed())).toBe(true);
    }),
    { numRuns: 20 },
  );
});

it('keeps the beginning, says once that there was more, and then nothing', () => {
  const full = appendLog({ ...EMPTY, logBytes: MAX_LOG_BYTES - 5 }, 'abcdefgh');
  expect(full.chunks[0]?.text).toMatch(/^abcde\n\[the log is longer than 5 MB/);
  expect(full.state.logTruncated).toBe(true);
  expect(appendLog(full.state, 'more').chunks).toEqual([]);
});

it('takes out what the database cannot hold', () => {
  expect(appendLog(EMPTY, 'a\u0000b\ud800c').chunks[0]?.text).toBe('a\uFFFDb\uFFFDc');
});
