export const MIN_PASSWORD_LENGTH = 12;
export const MAX_PASSWORD_LENGTH = 256;
const MIN_DISTINCT_CHARACTERS = 4;
/** A password counts as so many characters at least, when each piece of it that anyone can guess counts as one. */
const MIN_OWN_CHARACTERS = 8;
const MIN_PIECE_LENGTH = 3;

/** Keys side by side or one above the other, on keyboards of several countries, and what is counted or recited. */
const LINES = [
  '12345678901234567890',
  '1234567891011121314151617181920',
  '!@#$%^&*()',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiop[]asdfghjkl;zxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  'qazwsxedcrfvtgbyhnujmikolp',
  '1q2w3e4r5t6y7u8i9o0p',
  'q1w2e3r4t5y6u7i8o9p0',
  'абвгдеёжзийклмнопрстуфхцчшщъыьэюя',
  'йцукенгшщзхъфывапролджэячсмитьбю',
].flatMap((line) => [line, Array.from(line).toReversed().join('')]);
// What people put in the place of a letter; 1 is put for two of them.
const LETTERS: Readonly<Record<string, string>> = { '0': 'o', '3': 'e', '5': 's', '@': 'a', $: 's' };

export interface PasswordOwner {
  readonly username: string;
  readonly email: string | null;
}

/**
 * Why this password will not do for this person; undefined when it will. What counts is its length, and that it is not
 * among the first to be tried: any characters will do, spaces too. It is judged in the form in which it is hashed.
 */
export function passwordFault(
  password: string,
  person: PasswordOwner,
  common: ReadonlySet<string>,
): string | undefined {
  const form = normalPassword(password);
  const characters = Array.from(form);
  if (characters.length < MIN_PASSWORD_LENGTH) return `has fewer than ${MIN_PASSWORD_LENGTH} characters`;
  if (characters.length > MAX_PASSWORD_LENGTH) return `has more than ${MAX_PASSWORD_LENGTH} characters`;
  if (new Set(characters).size < MIN_DISTINCT_CHARACTERS)
    return `has fewer than ${MIN_DISTINCT_CHARACTERS} different characters`;
  const readings = readingsOf(form.toLowerCase());
  if (readings.some((reading) => isAmong(common, reading)))
    return 'is among the passwords that are tried first, or one of them in disguise';
  const [asTyped = ''] = readings;
  const repeated = repeatedIn(asTyped);
  if (repeated !== asTyped && repeated.length < MIN_PASSWORD_LENGTH) return 'repeats a few characters';
  const names = namesOf(person);
  if (readings.some((reading) => ownCharacters(reading, names) < MIN_OWN_CHARACTERS))
    return 'is little more than rows of keys, or a name: the username, the email address, Lineclear';
  return undefined;
}

/** One person's é may be two characters on another keyboard: this is one form for all of them. */
export const normalPassword = (password: string): string => password.normalize('NFKC');

/** What a password is to a person who reads it: as typed, and with letters for the signs that look like them. */
const readingsOf = (lower: string): readonly string[] =>
  [lower, spelledOut(lower, 'l'), spelledOut(lower, 'i')].map(joined);

const spelledOut = (text: string, one: string): string =>
  text.replace(/[0135@$]/g, (sign) => LETTERS[sign] ?? one);

/** Without what people put between words. */
const joined = (text: string): string => text.replace(/[\s._-]/g, '');

/** With or without what was put before and after it, once or several times. */
function isAmong(common: ReadonlySet<string>, reading: string): boolean {
  const bare = reading.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
  return [reading, bare, spelledOut(bare, 'l'), spelledOut(bare, 'i')].some((text) =>
    common.has(repeatedIn(text)),
  );
}

/** The shortest beginning that the text is made of, over and over; all of it when it does not repeat. */
function repeatedIn(text: string): string {
  for (let length = 1; length <= text.length / 2; length += 1)
    if (text.startsWith(text.slice(0, -length), length)) return text.slice(0, length);
  return text;
}

function namesOf({ username, email }: PasswordOwner): readonly string[] {
  return [username, email ?? '', email?.split('@')[0] ?? '', 'lineclear']
    .map((name) => joined(name.toLowerCase()))
    .filter((name) => name.length >= MIN_PIECE_LENGTH);
}

/** Of how many characters the text is, when each name, each row of keys, and the same one over and over, counts as one. */
function ownCharacters(text: string, names: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < text.length; count += 1) {
    const rest = text.slice(at);
    const pieces = [
      ...names.filter((name) => rest.startsWith(name)),
      ...LINES.map((line) => rowIn(rest, line)),
      /^(.)\1\1+/u.exec(rest)?.[0] ?? '',
    ];
    at += Math.max(1, ...pieces.map((piece) => piece.length));
  }
  return count;
}

/** The beginning of the text, as far as it goes along the line; nothing when that is too short to be meant. */
function rowIn(text: string, line: string): string {
  let length = MIN_PIECE_LENGTH;
  if (text.length < length || !line.includes(text.slice(0, length))) return '';
  while (length < text.length && line.includes(text.slice(0, length + 1))) length += 1;
  return text.slice(0, length);
}
