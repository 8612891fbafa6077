const HIDDEN = '[secret]';
// Shorter ones would blacken every "a" of a log; whoever keeps such a secret has none.
const MIN_LENGTH = 4;
const MIN_LINE_LENGTH = 8;

/** Makes what replaces these values wherever they stand in a text, also as JSON writes them; of values with several lines also each longer line. */
export function redactor(values: Iterable<string>): (text: string) => string {
  const needles = new Set<string>();
  for (const value of values) {
    if (value.length >= MIN_LENGTH) needles.add(value);
    const lines = value.split(/\r?\n/);
    if (lines.length > 1)
      for (const line of lines) if (line.trim().length >= MIN_LINE_LENGTH) needles.add(line.trim());
  }
  const inJson = Array.from(needles, (needle) => JSON.stringify(needle).slice(1, -1));
  // The longest first: one value may hold another.
  const ordered = [...new Set([...needles, ...inJson])].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((clean, needle) => clean.replaceAll(needle, HIDDEN), text);
}
