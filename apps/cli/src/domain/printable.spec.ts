import { describe, expect, it } from 'vitest';
import { printable, table } from './printable.js';

describe('what is printed', () => {
  it.each([
    ['plain text', 'there is no secret "x"', 'there is no secret "x"'],
    ['several lines', 'a\r\n  b\n', 'a b'],
    ['an escape sequence', 'a\u001b[2Jb', 'a\uFFFD[2Jb'],
    ['text that turns its direction', 'a\u202eb', 'a\uFFFDb'],
    ['other scripts', 'Schlüssel 鍵', 'Schlüssel 鍵'],
  ])('is on one line and cannot move the cursor: %s', (_, text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it('stands in columns', () => {
    expect(
      table(
        ['NAME', 'VERSION'],
        [
          ['HF_TOKEN', '1'],
          ['A', '12\u0007'],
        ],
      ),
    ).toBe('NAME      VERSION\nHF_TOKEN  1\nA         12\uFFFD\n');
    expect(table(['NAME'], [])).toBe('NAME\n');
  });
});
