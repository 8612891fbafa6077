import { Pool } from 'undici';
import { ProviderFailure, type Credential } from './adapter.js';

export interface ProviderHttpOptions {
  /** Paths of calls are below it. */
  readonly baseUrl: string;
  /** How long one call may take, connection and whole answer together. */
  readonly timeoutMs: number;
  readonly connections: number;
  /** The headers that carry the credential. */
  readonly authorize: (secret: string) => Readonly<Record<string, string>>;
  /** Who the other side must be, in PEM, where no public authority vouches for it. */
  readonly ca?: string | undefined;
}

export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query, percent-encoded; begins with a slash. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** How much of an answer that never ends is wanted; what came until then counts as all of it. */
  readonly stream?: { readonly maxBytes: number; readonly maxMs: number };
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly retryAfterMs: number | undefined;
}

const MAX_ANSWER_BYTES = 16_000_000;
// Where the connection itself could not be made, the request cannot have had an effect.
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

// RFC 9110, section 5.5.
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

class NoAnswerInTime extends Error {
  override readonly name = 'NoAnswerInTime';
  override readonly message = 'no answer in time';
}

/** One provider's HTTP, over one pool of connections: every call has a deadline, and an answer a largest size. */
export class ProviderHttp {
  readonly #pool: Pool;
  readonly #basePath: string;
  readonly #host: string;

  constructor(private readonly options: ProviderHttpOptions) {
    const base = new URL(options.baseUrl);
    this.#host = base.host;
    this.#basePath = base.pathname.replace(/\/$/, '');
    this.#pool = new Pool(base.origin, {
      connections: options.connections,
      connect: {
        timeout: Math.min(options.timeoutMs, 10_000),
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      },
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
      maxResponseSize: MAX_ANSWER_BYTES,
    });
  }

  /** Makes the call. @throws ProviderFailure when there is no whole answer; an answer that is an error is an answer. */
  async send(call: HttpCall, credential: Credential): Promise<HttpAnswer> {
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const proof = credential ? this.options.authorize(credential.reveal()) : {};
    if (!Object.values(proof).every((value) => HEADER_VALUE.test(value)))
      throw new ProviderFailure('denied', 'no header can carry the credential: it has a line end, perhaps');
    // Not AbortSignal.timeout: its timer keeps the whole call in memory long after the answer.
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(new NoAnswerInTime()), this.options.timeoutMs);
    try {
      const answer = await this.#pool.request({
        method: call.method,
        path: this.#basePath + call.path,
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...call.headers,
          ...proof,
        },
        body: body ?? null,
        signal: deadline.signal,
      });
      const { stream } = call;
      const text = stream
        ? await beginningOf(answer.body, stream.maxBytes, Math.min(stream.maxMs, this.options.timeoutMs / 2))
        : await answer.body.text();
      return {
        status: answer.statusCode,
        text,
        headers: answer.headers,
        retryAfterMs: retryAfterMs(answer.headers['retry-after'], Date.now()),
      };
    } catch (cause) {
      throw new ProviderFailure(
        wasNotSent(cause) ? 'not sent' : 'unknown',
        `${this.#host}: ${explain(cause)}`,
        undefined,
        { cause },
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** Makes the call and answers its JSON. @throws ProviderFailure for everything but a success, as `failureOf` has it */
  async json(call: HttpCall, credential: Credential): Promise<unknown> {
    const answer = await this.send(call, credential);
    if (!isSuccess(answer)) throw failureOf(answer);
    return jsonOf(answer);
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** What came of a body until it ended, was long enough, or took long enough. */
async function beginningOf(
  body: AsyncIterable<Uint8Array> & { destroy(): unknown },
  maxBytes: number,
  maxMs: number,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let isEnough = false;
  const stop = (): void => {
    isEnough = true;
    body.destroy();
  };
  const timer = setTimeout(stop, maxMs);
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= maxBytes) break;
    }
  } catch (error) {
    if (!isEnough) throw error;
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The answer's JSON. @throws ProviderFailure `unknown` where it is none: whatever was asked for may have happened. */
export function jsonOf(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(answer.text);
  } catch (cause) {
    throw new ProviderFailure(
      'unknown',
      `answered ${answer.status} with something that is not JSON`,
      undefined,
      { cause },
    );
  }
}

export const isSuccess = ({ status }: HttpAnswer): boolean => status >= 200 && status < 300;

/** What the provider does not know (any more). */
export const isNotThere = ({ status }: HttpAnswer): boolean => status === 404 || status === 410;

/** What an answer other than a success means for a call that may have had an effect. It is quoted whole: a secret that is cut in two is not found. */
export function failureOf(answer: HttpAnswer): ProviderFailure {
  const { status, retryAfterMs: after } = answer;
  const said = `answered ${status}: ${answer.text}`;
  if (status === 401 || status === 403) return new ProviderFailure('denied', said);
  if (status === 409) return new ProviderFailure('exists', said);
  if (status === 429 || status === 425) return new ProviderFailure('busy', said, after);
  if (status === 408 || status >= 500) return new ProviderFailure('unknown', said, after);
  return new ProviderFailure('refused', said);
}

/** A question that was not answered: nothing follows from it for the run. */
export const notAnswered = (answer: HttpAnswer): ProviderFailure => {
  const { kind, message, retryAfterMs } = failureOf(answer);
  return new ProviderFailure(kind === 'denied' || kind === 'busy' ? kind : 'unknown', message, retryAfterMs);
};

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3). */
export function retryAfterMs(header: string | string[] | undefined, nowMs: number): number | undefined {
  if (typeof header !== 'string') return undefined;
  const ms = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

const codeOf = (error: unknown): string | undefined => {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
};

const wasNotSent = (error: unknown): boolean => {
  if (error instanceof AggregateError) return error.errors.every(wasNotSent);
  return NOT_SENT.has(codeOf(error) ?? '');
};

const explain = (error: unknown): string => {
  return error instanceof Error ? error.message || (codeOf(error) ?? error.name) : String(error);
};
