/** What was given cannot be a credential of this format: names the field, never the value. */
export class BadCredential extends Error {
  override readonly name = 'BadCredential';

  constructor(
    readonly field: string,
    readonly why: string,
  ) {
    super(`${field}: ${why}`);
  }
}

/**
 * A file is there, but cannot be read, understood or written safely: names the path, never what is in it. Parsers quote
 * the line they fail at, so that their errors are never passed on.
 */
export class UnusableFile extends Error {
  override readonly name = 'UnusableFile';

  constructor(
    readonly path: string,
    readonly why: string,
  ) {
    super(`${path} ${why}`);
  }
}

/** Thrown by the families, which know the text but not where it came from. */
export class UnusableText extends Error {
  override readonly name = 'UnusableText';
}
