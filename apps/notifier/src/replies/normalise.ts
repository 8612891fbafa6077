// What a reader does not see: zero-width characters, marks of direction, variation selectors, skin tones.
const UNSEEN = /\p{Cf}|\p{Emoji_Modifier}|[\uFE00-\uFE0F\u034F\u115F\u1160\u3164]/gu;
const OVERRIDE = /[\u202D\u202E]/u;
const WORD = /[\p{L}\p{M}]+(?:'[\p{L}\p{M}]+)*/gu;
const SCRIPTS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Cherokee}/u];

// What capitals do not tell apart: "HAYIR" is the capital of both "hayir" and "hayır".
const foldCase = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll('i\u0307', 'i')
    .replaceAll('ı', 'i')
    .replaceAll('ß', 'ss')
    .replaceAll('ς', 'σ');

/** One form for all ways to write the same: NFKC, lower case, one apostrophe, nothing that is not seen. */
export const normalise = (text: string): string =>
  foldCase(text.normalize('NFKC').replace(UNSEEN, ''))
    .normalize('NFKC')
    .replace(/[’‘ʼ`´]/gu, "'");

/** The words of a normalised text. */
export const wordsOf = (text: string): string[] => text.match(WORD) ?? [];

/** Why this text may not be what it looks like, or undefined. */
export function disguiseOf(text: string): string | undefined {
  if (OVERRIDE.test(text)) return 'it turns the direction of writing around';
  const mixed = wordsOf(normalise(text)).some(
    (word) => SCRIPTS.filter((script) => script.test(word)).length > 1,
  );
  return mixed ? 'a word mixes letters of several scripts' : undefined;
}
