/** Shorter ones are in too many innocent texts to be hidden: ports, years, `true`. */
const MIN_CHARACTERS = 6;
const MIN_WORD_CHARACTERS = 20;

/**
 * What of a value must not be seen: it, and as a file of several lines is seldom printed whole, its long words, which are what is
 * secret of it, or if it has none its lines. Its other lines are in innocent texts, too: `kind: Config`.
 */
export function partsOf(value: string): string[] {
  const text = value.trim();
  const parts = [value, text, ...(/[\r\n]/.test(text) ? partsOfFile(text) : [])];
  return [...new Set(parts)].filter(({ length }) => length >= MIN_CHARACTERS);
}

function partsOfFile(text: string): string[] {
  // A key in JSON has its line ends as `\n`.
  const words = text.split(/[\s"',]+|\\n/).filter(({ length }) => length >= MIN_WORD_CHARACTERS);
  return words.length > 0 ? words : text.split(/[\r\n]+/).map((line) => line.trim());
}
