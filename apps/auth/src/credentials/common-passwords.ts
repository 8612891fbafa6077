import { MIN_PASSWORD_LENGTH } from '../domain/password-rules.js';

// Everybody has read it; the list is older.
const ALSO = ['correcthorsebatterystaple'];
const MIN_WORD_LENGTH = 4;

/**
 * The passwords that most people had where some leaked, in lower case: words, as people hide them by adding to them, and of
 * the numbers those that are long enough as they are. Read when it is first asked for: that takes a tenth of a start.
 */
export async function readCommonPasswords(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  return new Set(
    [...dictionary['passwords-common'], ...ALSO].filter(
      (word) => word.length >= (/\p{L}/u.test(word) ? MIN_WORD_LENGTH : MIN_PASSWORD_LENGTH),
    ),
  );
}
