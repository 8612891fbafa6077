import type { HttpProviderConfig } from '@lineclear/kit';
import { Pool } from 'undici';
import { fillBody, fillPath, type Fields } from '../domain/template.js';
import { ProviderFailure, type Credential } from './adapter.js';

type Call = Pick<HttpProviderConfig['status'], 'method' | 'path' | 'body'>;
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
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

class NoAnswerInTime extends Error {
  override readonly name = 'NoAnswerInTime';
  override readonly message = 'no answer in time';
}

/** One provider's HTTP, over one pool of connections: every call has a deadline, and an answer a largest size. */
export class HttpCalls {
  readonly #pool: Pool;
  readonly #basePath: string;

  constructor(
    private readonly config: HttpProviderConfig,
    private readonly timeoutMs: number,
    connections: number,
  ) {
    const base = new URL(config.base_url);
    this.#basePath = base.pathname.replace(/\/$/, '');
    this.#pool = new Pool(base.origin, {
      connections,
      connect: { timeout: Math.min(timeoutMs, 10_000) },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      maxResponseSize: MAX_ANSWER_BYTES,
    });
  }

  /** Sends the call with its templates filled. @throws ProviderFailure when there is no whole answer. */
  async send(call: Call, fields: Fields, credential: Credential): Promise<HttpAnswer> {
    const body = call.body === undefined ? undefined : JSON.stringify(fillBody(call.body, fields));
    // Not AbortSignal.timeout: its timer keeps the whole call in memory long after the answer.
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(new NoAnswerInTime()), this.timeoutMs);
    try {
      const answer = await this.#pool.request({
        method: call.method,
        path: this.#basePath + fillPath(call.path, fields),
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...this.#auth(credential),
        },
        body: body ?? null,
        signal: deadline.signal,
      });
      const text = await answer.body.text();
      return {
        status: answer.statusCode,
        text,
        retryAfterMs: retryAfterMs(answer.headers['retry-after'], Date.now()),
      };
    } catch (cause) {
      throw new ProviderFailure(
        wasNotSent(cause) ? 'not sent' : 'unknown',
        `${new URL(this.config.base_url).host}: ${explain(cause)}`,
        undefined,
        { cause },
      );
    } finally {
      clearTimeout(timer);
    }
  }

  #auth(credential: Credential): Record<string, string> {
    const { auth } = this.config;
    if (!auth || !credential) return {};
    return {
      [auth.header]: auth.scheme === '' ? credential.reveal() : `${auth.scheme} ${credential.reveal()}`,
    };
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
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

/** What an answer other than a success means for the call. It is quoted whole: a secret that is cut in two is not found. */
export function failureOf(answer: HttpAnswer): ProviderFailure {
  const { status, retryAfterMs: after } = answer;
  const said = `answered ${status}: ${answer.text}`;
  if (status === 401 || status === 403) return new ProviderFailure('denied', said);
  if (status === 409) return new ProviderFailure('exists', said);
  if (status === 429 || status === 425) return new ProviderFailure('busy', said, after);
  if (status === 408 || status >= 500) return new ProviderFailure('unknown', said, after);
  return new ProviderFailure('refused', said);
}

/** `Retry-After` in milliseconds: seconds or a date. */
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
