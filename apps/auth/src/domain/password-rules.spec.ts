import { expect, it } from 'vitest';
import { passwordFault } from './password-rules.js';

const ada = { username: 'ada.of.lovelace', email: 'countess.ada.l@lineclear.test' };

it.each([
  ['secure_password_123', undefined],
  ['four plain words here', undefined],
  ['пароль на всю жизнь', undefined],
  ['x'.repeat(250) + 'abcdef', undefined],
  ['', 'fewer than 12'],
  ['elevenchars', 'fewer than 12'],
  // Twelve UTF-16 units, but six characters.
  ['😀😁😂😃😄😅', 'fewer than 12'],
  ['y'.repeat(250) + 'abcdefg', 'more than 256'],
  ['ada.of.lovelace', 'username'],
  ['ADA.of.Lovelace', 'username'],
  ['countess.ada.l@lineclear.test', 'username or the email'],
  ['countess.ada.l', 'username or the email'],
  ['password1234', 'tried first'],
  ['PassWord1234', 'tried first'],
  ['123456789012', 'tried first'],
  ['correcthorsebatterystaple', 'tried first'],
  ['aaaaaaaaaaaaaaaa', 'different characters'],
  ['abcabcabcabc', 'different characters'],
])('%j: %s', (password, fault) => {
  const found = passwordFault(password, ada);
  if (fault === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(fault);
});
