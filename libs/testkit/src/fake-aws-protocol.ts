/** An error of AWS: its name, its status, and words for people. */
export class AwsFault extends Error {
  constructor(
    readonly type: string,
    message: string,
    readonly status = 400,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

export type Input = Readonly<Record<string, unknown>>;
/** What an operation answers, by its name. @throws AwsFault */
export type Operations = Readonly<Record<string, (input: Input) => object>>;

/** A text of the input, or undefined where there is none. @throws AwsFault for anything else in its place */
export function textOf(input: Input, field: string): string | undefined {
  const value = input[field];
  if (value === undefined || typeof value === 'string') return value;
  throw new AwsFault('SerializationException', `${field} is not a string`);
}
