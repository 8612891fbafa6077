/** Shorter values are in too many innocent texts to be replaced. */
export const MIN_MASKED_CHARACTERS = 6;
/** Of a value's base64 only what does not depend on its neighbours is looked for; shorter than this it says nothing. */
const MIN_BASE64_CHARACTERS = 8;
const MIN_WORD_CHARACTERS = 20;

/** The texts in which values may be printed: as they are, in JSON, in a URL, in base64, and the long words of a file. */
export function maskedForms(values: readonly string[]): string[] {
  const forms = new Set<string>();
  for (const value of values.flatMap(partsOf)) {
    if (value.length < MIN_MASKED_CHARACTERS) continue;
    for (const form of [value, ...inJson(value), ...inUrl(value), ...inBase64(value)]) forms.add(form);
  }
  return [...forms];
}

/** A file of several lines is seldom printed whole: its long words are what is secret of it, or if it has none its lines. */
function partsOf(value: string): string[] {
  const text = value.trim();
  if (!/[\r\n]/.test(text)) return value === text ? [value] : [value, text];
  const words = text.split(/[\s"',]+|\\n/).filter(({ length }) => length >= MIN_WORD_CHARACTERS);
  return words.length > 0 ? [...new Set(words)] : [text, ...text.split(/[\r\n]+/)];
}

function inJson(value: string): string[] {
  const plain = JSON.stringify(value).slice(1, -1);
  // Python's json escapes what is not ASCII, PHP's the slash.
  const ascii = plain.replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return [plain, ascii, plain.replaceAll('/', '\\/')];
}

function inUrl(value: string): string[] {
  if (!value.isWellFormed()) return [];
  const component = encodeURIComponent(value);
  const strict = component.replaceAll(/[!'()*]/g, (character) => `%${hexOf(character)}`);
  const form = new URLSearchParams({ v: value }).toString().slice('v='.length);
  const inPath = component.replaceAll('%2F', '/');
  const encoded = [component, strict, form, strict.replaceAll('%20', '+'), inPath];
  return [...encoded, ...encoded.map(lowerCaseEscapes)];
}

const hexOf = (character: string): string => character.charCodeAt(0).toString(16).toUpperCase();
const lowerCaseEscapes = (text: string): string =>
  text.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());

/** For each of the three places a value can have among the bytes that are encoded with it. */
function inBase64(value: string): string[] {
  const bytes = Buffer.from(value);
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    const own = encoded.slice(from, to);
    if (own.length < MIN_BASE64_CHARACTERS) return [];
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
