import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCommonPasswords } from '../credentials/common-passwords.js';
import { passwordFault } from './password-rules.js';

const ada = { username: 'ada.of.lovelace', email: 'countess.ada.l@lineclear.test' };
let common: ReadonlySet<string>;
beforeAll(async () => {
  common = await readCommonPasswords();
});

describe('passwords that will do', () => {
  it.each([
    // Passphrases, in any language and script, with spaces or without, need no digits and no signs.
    'four plain words here',
    'steady hands on the lever',
    'fourplainwordshere',
    'der Zug fährt um sieben',
    'la voie est enfin libre',
    'el tren pasa de noche',
    'pociąg jedzie do domu',
    'tren gece yarısı geçer',
    'пароль на всю жизнь',
    'το τρένο περνάει πάντα',
    'הרכבת עוברת בלילה',
    'القطار يمر في الليل',
    'रात को रेल गुज़रती है',
    'รถไฟผ่านตอนกลางคืน',
    '夜の汽車は静かに峠を越えて行く',
    '深夜的火车慢慢地越过山岭去',
    '밤기차가 고개를 천천히 넘어간다',
    // What a program makes.
    'uK8#vq2!Zr5x',
    '839201758293',
    '~<:?{%;^|=}$,*!',
    'b2f1c9e07d44a6180cce',
    // A name, or a word that many use, in something longer.
    'ada of lovelace wrote this',
    'lineclear to the next box',
    'my password is not this one',
    'dragons at the 4th window',
    'secure_password_123',
    'qwerty is no password',
    'x'.repeat(200) + ' and a tail',
    'the same phrase twice the same phrase twice',
  ])('%j', (password) => {
    expect(passwordFault(password, ada, common)).toBeUndefined();
  });
});

describe('passwords that will not do', () => {
  it.each([
    ['', 'fewer than 12'],
    ['elevenchars', 'fewer than 12'],
    // Twelve UTF-16 units, but six characters.
    ['😀😁😂😃😄😅', 'fewer than 12'],
    // Fourteen as it was typed, with seven accents; as it is hashed, seven.
    ['a\u0301e\u0301i\u0301o\u0301u\u0301n\u0303a\u0300', 'fewer than 12'],
    ['y'.repeat(250) + 'abcdefg', 'more than 256'],
    ['aaaaaaaaaaaaaaaa', 'different characters'],
    ['abcabcabcabc', 'different characters'],

    ['password1234', 'tried first'],
    ['PassWord1234', 'tried first'],
    ['Password2024!!', 'tried first'],
    ['!!!password!!!', 'tried first'],
    ['p@ssw0rd12345', 'tried first'],
    ['P@$$w0rd!!!!', 'tried first'],
    ['pa55w0rd2026', 'tried first'],
    ['1l0vey0u1234', 'tried first'],
    ['adm1n1strat0r', 'tried first'],
    ['Adm1n!!!!!!!!', 'tried first'],
    ['acce55!!!!!!', 'tried first'],
    ['ｐａｓｓｗｏｒｄ１２３４', 'tried first'],
    ['p a s s w o r d 1 2', 'tried first'],
    ['dragon-2024-01-01', 'tried first'],
    ['unbelievable', 'tried first'],
    ['123456654321', 'tried first'],
    ['passwordpassword', 'tried first'],
    ['password password password', 'tried first'],
    ['welcomewelcome1', 'tried first'],
    ['correct horse battery staple', 'tried first'],
    ['CorrectHorseBatteryStaple1', 'tried first'],

    ['vrilfvrilfvrilf', 'repeats'],
    ['vrilf vrilf vrilf', 'repeats'],
    ['q7ZtXq7ZtXq7Zt', 'repeats'],

    ['123456789012', 'tried first'],
    ['12345678910111213', 'rows of keys'],
    ['098765432109', 'rows of keys'],
    ['qwertyuiop[]', 'tried first'],
    ['qwertyuiopasdfghjkl', 'rows of keys'],
    ['QWERTYasdfgh123', 'tried first'],
    ['poiuytrewq321', 'rows of keys'],
    ['azertyuiopqs', 'rows of keys'],
    ['1q2w3e4r5t6y7u', 'rows of keys'],
    ['qazwsxedcrfvtgb', 'tried first'],
    ['abcdefghijklmn', 'rows of keys'],
    ['0123456789abcdef', 'rows of keys'],
    ['!@#$%^&*()!@#$', 'rows of keys'],
    ['йцукенгшщзхъ', 'rows of keys'],
    ['x'.repeat(20) + 'abcdef', 'rows of keys'],

    ['ada.of.lovelace', 'a name'],
    ['ADA.of.Lovelace', 'a name'],
    ['adaoflovelace1!', 'a name'],
    ['ad@_0f_l0vel@ce', 'a name'],
    ['countess.ada.l@lineclear.test', 'a name'],
    ['countess.ada.l', 'a name'],
    ['lineclear1234', 'a name'],
    ['L1necl3ar-2026', 'a name'],
    ['lineclearadmin', 'a name'],
    ['Line Clear 123!', 'a name'],
  ])('%j: %s', (password, fault) => {
    expect(passwordFault(password, ada, common)).toContain(fault);
  });
});

it('judges whatever is typed, the same in each of its Unicode forms', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (password) => {
      const fault = passwordFault(password, ada, common);
      expect(passwordFault(password.normalize('NFKD'), ada, common)).toBe(fault);
      expect(passwordFault(password.normalize('NFKC'), ada, common)).toBe(fault);
    }),
  );
});

it('takes what a program makes of any signs', () => {
  const made = fc.string({ unit: 'binary-ascii', minLength: 20, maxLength: 256 });
  const letters = fc.array(fc.constantFrom(...Array.from('bdghkmnpqtvxzBDGHKMNPQTVXZ')), {
    minLength: 24,
    maxLength: 60,
  });
  fc.assert(
    fc.property(letters, made, (some, more) => {
      const password = `${some.join('')}${more}`.slice(0, 200);
      fc.pre(new Set(some).size > 12);
      expect(passwordFault(password, ada, common)).toBeUndefined();
    }),
  );
});
