/** Shorter ones are in too many innocent texts to be hidden: ports, years, `true`. */
const MIN_CHARACTERS = 6;
const MIN_WORD_CHARACTERS = 20;

/** `"password": "…"`, `aws_secret_access_key = …`: a name that says that a secret follows, and what follows. */
const NAMED = /(?:pass|secret|token|key|auth|credential)[\w-]{0,60}["']?\s*[:=]\s*["']?([^\r\n"']+)/gi;

/**
 * What of a value must not be seen: it, and as a file of several lines is seldom printed whole, its long words with what is left of
 * them on a last line and what its lines call a password or the like, which are what is secret of it, or if it has none its lines.
 * Other lines are in innocent texts, too: `kind: Config`.
 */
export function partsOf(value: string): string[] {
  const text = value.trim();
  const parts = [value, text, ...(/[\r\n]/.test(text) ? partsOfFile(text) : [])];
  return [...new Set(parts)].filter(({ length }) => length >= MIN_CHARACTERS);
}

function partsOfFile(text: string): string[] {
  const named = Array.from(text.matchAll(NAMED), ([, secret = '']) => secret.trim());
  const words = [...text.split(/[\s"',]+|\\n/).filter(isLong), ...named];
  // A key in JSON has its line ends as `\n`.
  const lines = text.split(/[\r\n]+|\\n/).map((line) => line.trim());
  return words.length > 0 ? [...words, ...lines.filter((line, n) => isRest(line, lines[n - 1]))] : lines;
}

const isLong = (word: string): boolean => word.length >= MIN_WORD_CHARACTERS;
/** Whether it is a line of base64, or the like, that goes on what is before it. */
const isRest = (line: string, before = ''): boolean =>
  isLong(before) && /^[\w+/=-]+$/.test(before) && /^[\w+/=]+$/.test(line);
