export const MIN_PASSWORD_LENGTH = 12;
export const MAX_PASSWORD_LENGTH = 256;
const MIN_DISTINCT_CHARACTERS = 4;

// The most common leaked passwords that are long enough to pass the first rule; and those made for this product's name.
const COMMON = new Set([
  '123456789012',
  '1234567890123',
  '1234567891234',
  '12345678910',
  '123456789101112',
  '0123456789abcdef',
  '1q2w3e4r5t6y',
  '1q2w3e4r5t6y7u8i',
  '1qaz2wsx3edc',
  '1qaz2wsx3edc4rfv',
  'abcdefghijkl',
  'abcdefghijklmnopqrstuvwxyz',
  'administrator',
  'adminadminadmin',
  'changeme1234',
  'changemechangeme',
  'correcthorsebatterystaple',
  'iloveyou1234',
  'letmeinletmein',
  'lineclear1234',
  'lineclearadmin',
  'password1234',
  'password12345',
  'password123456',
  'passwordpassword',
  'passw0rd1234',
  'p@ssw0rd1234',
  'qazwsxedcrfv',
  'qwerty123456',
  'qwerty1234567',
  'qwertyqwerty',
  'qwertyuiop12',
  'qwertyuiop123',
  'qwertyuiopasdfghjkl',
  'qwertyuiop[]',
  'unknownunknown',
  'welcome12345',
  'welcomewelcome',
]);

/** Why this password will not do for this person; undefined when it will. */
export function passwordFault(
  password: string,
  person: { readonly username: string; readonly email: string | null },
): string | undefined {
  const characters = Array.from(password);
  if (characters.length < MIN_PASSWORD_LENGTH) return `has fewer than ${MIN_PASSWORD_LENGTH} characters`;
  if (password.length > MAX_PASSWORD_LENGTH) return `has more than ${MAX_PASSWORD_LENGTH} characters`;
  const folded = password.toLowerCase();
  const names = [person.username, person.email ?? '', person.email?.split('@')[0] ?? ''];
  if (names.some((name) => name.toLowerCase() === folded)) return 'is the username or the email address';
  if (COMMON.has(folded)) return 'is among the passwords that are tried first';
  if (new Set(characters).size < MIN_DISTINCT_CHARACTERS)
    return `has fewer than ${MIN_DISTINCT_CHARACTERS} different characters`;
  return undefined;
}
