import { parseGlob } from './glob-syntax.js';
import { compile, literalOf } from './linear-matcher.js';
import { parseRegex } from './regex-syntax.js';

/** A text that starts with `^` or ends with an unescaped `$` is a regular expression; any other is a glob. */
export const isRegex = (text: string): boolean => text.startsWith('^') || /(?<!\\)(?:\\\\)*\$$/.test(text);

/** A glob as a test of whole names, letter case aside. @throws PatternError */
export const compileGlob = (text: string): ((name: string) => boolean) => compile(parseGlob(text));

/** A glob, or a regular expression where the text is anchored. @throws PatternError */
export const compilePattern = (text: string): ((name: string) => boolean) =>
  compile(isRegex(text) ? parseRegex(text) : parseGlob(text));

/** What every name that the glob matches holds, letter case aside. @throws PatternError */
export const literalOfGlob = (text: string): string => literalOf(parseGlob(text));

/** As literalOfGlob, of what compilePattern takes. @throws PatternError */
export const literalOfPattern = (text: string): string =>
  literalOf(isRegex(text) ? parseRegex(text) : parseGlob(text));
