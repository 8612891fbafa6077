import type { Secret } from '@lineclear/kit';
import { Agent, fetch } from 'undici';
import { z } from 'zod';
import { backoffMsOf } from '../domain/lease-schedule.js';
import { faultOf, reasonIn, TIMED_OUT } from '../domain/vault-answer.js';
import { VaultFailed } from './vault-failed.js';

export interface VaultHttpOptions {
  /** The server's address, `https://host:8200`; a path in it goes before `/v1`. */
  readonly address: string;
  readonly namespace?: string | undefined;
  /** PEM; takes the place of the certificates that Node trusts. */
  readonly ca?: string | undefined;
  /** For one try, from the first byte sent to the last one read. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes?: number;
  readonly pause: (ms: number) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface VaultCall {
  readonly method: 'GET' | 'POST';
  /** Below `/v1/`, each part of it already encoded. */
  readonly path: string;
  readonly body?: object;
  /** Whether doing it twice does no harm: then a lost answer, a 5xx and a short 429 are tried again. */
  readonly repeatable?: boolean;
}

export interface VaultAnswer {
  readonly status: 200 | 204 | 404;
  readonly body: VaultBody;
}

const authBody = z.object({
  client_token: z.string().min(1).max(8_192),
  lease_duration: z.number().min(0),
  renewable: z.boolean().default(false),
});
const vaultBody = z.object({
  lease_id: z.string().max(2_048).nullish(),
  lease_duration: z.number().min(0).nullish(),
  renewable: z.boolean().nullish(),
  data: z.record(z.string(), z.unknown()).nullish(),
  auth: authBody.nullish(),
  errors: z.array(z.unknown()).max(1_000).nullish(),
});
export type VaultBody = z.infer<typeof vaultBody>;

export const MAX_ANSWER_BYTES = 1_048_576;
const TRIES = 3;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;

/** Speaks HTTP with one Vault or OpenBao server. Every call has a deadline, and every answer a largest size. */
export class VaultHttp {
  readonly #agent: Agent;
  readonly #base: string;

  constructor(private readonly options: VaultHttpOptions) {
    this.#base = `${options.address.replace(/\/+$/, '')}/v1/`;
    this.#agent = new Agent({
      connections: 16,
      connect: {
        timeout: options.timeoutMs,
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      },
    });
  }

  /** Makes one call; 404 is an answer, since it may mean that there is no such secret. @throws VaultFailed for everything else. */
  async call(call: VaultCall, token?: Secret): Promise<VaultAnswer> {
    // A URL's dots lead to another path than the one that was asked for.
    if (call.path.split('/').some((part) => part === '' || part === '.' || part === '..'))
      throw new VaultFailed('invalid', `${call.path} is not a path`);
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#once(call, token);
      } catch (error) {
        const pauseMs = this.#pauseMs(call, error, tried);
        if (pauseMs === undefined) throw error;
        await this.options.pause(pauseMs);
      }
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** How long to wait before the next try; undefined when there is none. */
  #pauseMs(call: VaultCall, error: unknown, tried: number): number | undefined {
    if (!(error instanceof VaultFailed) || call.repeatable !== true || tried >= TRIES) return undefined;
    if (error.fault === 'rate limited') {
      const askedMs = Number(error.headers['retry-after']) * 1_000;
      return askedMs <= MAX_PAUSE_MS ? askedMs : undefined;
    }
    if (error.fault !== 'failing' && error.fault !== 'no answer') return undefined;
    if (error.reason === TIMED_OUT) return undefined;
    return backoffMsOf(tried, this.options.random(), FIRST_PAUSE_MS, MAX_PAUSE_MS);
  }

  async #once({ method, path, body }: VaultCall, token: Secret | undefined): Promise<VaultAnswer> {
    const about = `${method} ${path}`;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.options.timeoutMs);
    try {
      const response = await fetch(this.#base + path, {
        method,
        dispatcher: this.#agent,
        signal: deadline.signal,
        // Followed elsewhere, the header with the token would go there too.
        redirect: 'manual',
        headers: {
          accept: 'application/json',
          'x-vault-request': 'true',
          ...(this.options.namespace === undefined ? {} : { 'x-vault-namespace': this.options.namespace }),
          ...(token === undefined ? {} : { 'x-vault-token': token.reveal() }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await this.#read(response.body, about);
      const { status } = response;
      if (status === 200 || status === 204) return { status, body: parseBody(text, status, about) };
      if (status === 404) return { status, body: parseMissing(text, about) };
      throw failure(status, text, response.headers.get('retry-after'), about);
    } catch (cause) {
      if (cause instanceof VaultFailed) throw cause;
      // What went wrong is told by its code alone: what else the error carries is nobody's to print.
      if (deadline.signal.aborted)
        throw new VaultFailed('no answer', `${about}: no answer within ${this.options.timeoutMs} ms`, {
          reason: TIMED_OUT,
        });
      throw new VaultFailed('no answer', `${about}: no answer (${codeOf(cause)})`);
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(body: AsyncIterable<Uint8Array> | null, about: string): Promise<string> {
    if (body === null) return '';
    const maxBytes = this.options.maxAnswerBytes ?? MAX_ANSWER_BYTES;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > maxBytes)
        throw new VaultFailed('unreadable', `${about}: answered with more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

/** "Not there" is said in Vault's way, without an error. A mount that does not exist, or a page of a proxy, tells nothing of a secret. */
function parseMissing(text: string, about: string): VaultBody {
  const body = parseBody(text, 404, about);
  if (body.errors?.length) throw failure(404, text, null, about);
  if (body.errors || body.data) return body;
  throw new VaultFailed('unreadable', `${about}: answered 404 with something that is not Vault's`);
}

function parseBody(text: string, status: number, about: string): VaultBody {
  if (text.trim() === '') return {};
  const parsed = vaultBody.safeParse(jsonOrUndefined(text));
  if (parsed.success) return parsed.data;
  throw new VaultFailed('unreadable', `${about}: answered ${status} with something that is not Vault's`);
}

function failure(status: number, text: string, retryAfter: string | null, about: string): VaultFailed {
  const reason = reasonIn(text);
  const seconds = retryAfter !== null && /^\d{1,6}$/.test(retryAfter.trim()) ? Number(retryAfter) : undefined;
  const hint =
    status >= 300 && status < 400
      ? ' (a redirect: VAULT_ADDR must name the active node or a load balancer)'
      : reason === undefined
        ? ''
        : `: ${reason}`;
  return new VaultFailed(faultOf(status), `${about}: answered ${status}${hint}`, {
    retryAfterSeconds: seconds,
    reason,
  });
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The code of what went wrong on the way: fetch wraps it. */
function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return 'the connection failed';
}
