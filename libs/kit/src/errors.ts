export interface InputError {
  /** Where in the input: `config.command.0`, or the parameter's name. */
  readonly path: string;
  readonly message: string;
}

/** An error that knows who must act on it: its HTTP status and how loudly it is logged belong to the class. */
export abstract class AppError extends Error {
  abstract readonly status: number;
  abstract readonly code: string;
  abstract readonly title: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error' = 'info';
  readonly errors?: readonly InputError[];
  readonly headers?: Readonly<Record<string, string>>;
  override get name(): string {
    return this.constructor.name;
  }
}

/** A field's name may be anything that was sent, and is told to the caller and to the log. */
const MAX_PATH_LENGTH = 200;

export class BadInput extends AppError {
  readonly status: number = 400;
  readonly code = 'bad_input';
  readonly title = 'The request is not valid';
  override readonly errors: readonly InputError[];

  constructor(given: readonly InputError[], options?: ErrorOptions) {
    const errors = given.map(({ path, message }) => ({ path: path.slice(0, MAX_PATH_LENGTH), message }));
    super(errors.map((e) => (e.path ? `${e.path}: ${e.message}` : e.message)).join('; '), options);
    this.errors = errors;
  }

  static at(path: string, message: string): BadInput {
    return new BadInput([{ path, message }]);
  }
}

export class TooLarge extends AppError {
  readonly status = 413;
  readonly code = 'too_large';
  readonly title = 'The request is too large';
}

export class HeadersTooLarge extends AppError {
  readonly status = 431;
  readonly code = 'header_too_large';
  readonly title = 'The request headers are too large';
}

export class TooSlow extends AppError {
  readonly status = 408;
  readonly code = 'timed_out';
  readonly title = 'The request came in too slowly';
}

export class NotAuthenticated extends AppError {
  readonly status = 401;
  readonly code = 'not_authenticated';
  readonly title = 'Who is asking?';
  override readonly headers = { 'www-authenticate': 'Bearer realm="lineclear"' };

  constructor(message = 'a valid API key or session is needed') {
    super(message);
  }
}

export class NotAllowed extends AppError {
  readonly status = 403;
  readonly code = 'not_allowed';
  readonly title = 'Not allowed';
  override readonly level = 'warn';

  constructor(
    message: string,
    /** What of the input it is about, where only that is not allowed. */
    override readonly errors: readonly InputError[] = [],
  ) {
    super(message);
  }
}

/** Also the answer for what exists but belongs to someone else. */
export class NotFound extends AppError {
  readonly status = 404;
  readonly code = 'not_found';
  readonly title = 'Not found';

  constructor(what: string, id?: string | number) {
    super(`there is no ${what}${id === undefined ? '' : ` ${JSON.stringify(String(id).slice(0, 100))}`}`);
  }
}

export class Conflict extends AppError {
  readonly status = 409;
  readonly code = 'conflict';
  readonly title = 'Not possible in the present state';
}

/** The request is well formed but contradicts an earlier one or a rule of the house. */
export class Unprocessable extends AppError {
  readonly status = 422;
  readonly code = 'unprocessable';
  readonly title = 'The request cannot be carried out';
  constructor(
    message: string,
    override readonly errors: readonly InputError[] = [],
  ) {
    super(message);
  }
}

/** Another service said no, for a reason that stays: its code and words are passed on. */
export class Refused extends AppError {
  readonly status = 422;
  readonly title = 'The request was refused';

  constructor(
    override readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export class TooMany extends AppError {
  readonly status = 429;
  readonly code: string = 'too_many_requests';
  readonly title = 'Too many requests';
  override readonly headers: Readonly<Record<string, string>>;

  constructor(
    message: string,
    retryAfterSeconds: number,
    override readonly errors: readonly InputError[] = [],
  ) {
    super(message);
    this.headers = { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) };
  }
}

/** Something this service needs is not there right now; nothing was changed, the caller may try again. */
export class Unavailable extends AppError {
  readonly status = 503;
  readonly code = 'unavailable';
  readonly title = 'Not available right now';
  override readonly level = 'error';
  override readonly headers = { 'retry-after': '2' };
}
