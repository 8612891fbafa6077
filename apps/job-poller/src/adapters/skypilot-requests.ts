import type { ProviderConfigOf } from '@lineclear/kit';
import { z } from 'zod';
import { ProviderFailure, type Credential } from './adapter.js';
import { checked } from './answers.js';
import { failureOf, isNotThere, isSuccess, jsonOf, notAnswered, ProviderHttp } from './provider-http.js';

/** What became of a request: done with an answer, failed as the server says, cancelled, or forgotten. */
export type SkypilotResult =
  | { readonly state: 'done'; readonly value: unknown }
  | { readonly state: 'failed'; readonly type: string; readonly message: string }
  | { readonly state: 'cancelled' }
  | { readonly state: 'gone' };

// It waits in its answers: more connections would take workers from the people who use the server.
export const SKYPILOT_CONNECTIONS = 8;

// Older servers have the second name only.
const REQUEST_ID_HEADERS = ['x-skypilot-request-id', 'x-request-id'];
// A server without accounts takes anybody's word for who asks: jobs are then under this name.
const ASKER = { env_vars: { SKYPILOT_USER_ID: '6c636c72', SKYPILOT_USER: 'lineclear' } };

const request = z.looseObject({
  request_id: z.string(),
  name: z.string().nullish(),
  status: z.string(),
  return_value: z.string().nullish(),
  error: z.string().nullish(),
});
type Request = z.infer<typeof request>;
const failed = z.looseObject({ detail: request });
const cause = z.looseObject({ type: z.string().default(''), message: z.string().default('') });

const UNDER_WAY = ['PENDING', 'RUNNING'];
const LAUNCH = /(^|\.)jobs\.launch$/;

/**
 * The API server's way of answering: a POST is put into its queue and answered at once, with an id in a header, and what became
 * of it is asked for by that id; that answer comes when it is there.
 */
export class SkypilotRequests {
  readonly #http: ProviderHttp;

  constructor({ base_url }: ProviderConfigOf<'skypilot'>, timeoutMs: number) {
    this.#http = new ProviderHttp({
      baseUrl: base_url,
      timeoutMs,
      connections: SKYPILOT_CONNECTIONS,
      authorize: (secret) => ({ authorization: `Bearer ${secret}` }),
    });
  }

  /** Puts a request into the server's queue. */
  async post(
    path: string,
    body: Readonly<Record<string, unknown>>,
    credential: Credential,
  ): Promise<{ requestId: string }> {
    const answer = await this.#http.send({ method: 'POST', path, body: { ...ASKER, ...body } }, credential);
    if (!isSuccess(answer)) throw failureOf(answer);
    const requestId = REQUEST_ID_HEADERS.map((header) => answer.headers[header]).find(Boolean);
    if (typeof requestId !== 'string' || !/^[\w-]{1,64}$/.test(requestId))
      throw new ProviderFailure('unknown', 'its answer has no id of a request');
    return { requestId };
  }

  /** Waits for what became of it, as long as one call may take. */
  async resultOf(requestId: string, credential: Credential): Promise<SkypilotResult> {
    const answer = await this.#http.send(
      { method: 'GET', path: `/api/get?request_id=${requestId}` },
      credential,
    );
    if (isNotThere(answer)) return { state: 'gone' };
    // A request that failed is a 500, as a server that failed is: it is told by the request in it.
    const told = answer.status === 500 ? failed.safeParse(jsonOf(answer)) : undefined;
    if (told?.success) return resultIn(told.data.detail);
    if (!isSuccess(answer)) throw notAnswered(answer);
    return resultIn(checked(request, jsonOf(answer)));
  }

  /** Asks a question. @throws ProviderFailure when the server did not find out */
  async ask(
    path: string,
    body: Readonly<Record<string, unknown>>,
    credential: Credential,
  ): Promise<Extract<SkypilotResult, { state: 'done' | 'failed' }>> {
    const { requestId } = await this.post(path, body, credential).catch((error: unknown) => {
      throw error instanceof ProviderFailure && error.kind === 'refused'
        ? new ProviderFailure('unknown', error.message)
        : error;
    });
    const result = await this.resultOf(requestId, credential);
    if (result.state === 'gone' || result.state === 'cancelled')
      throw new ProviderFailure('unknown', `its request was ${result.state} before there was an answer`);
    return result;
  }

  /** Whether the request still waits or is worked on; undefined when it is forgotten. */
  async isUnderWay(requestId: string, credential: Credential): Promise<boolean | undefined> {
    const [found] = await this.#status(`request_ids=${requestId}&all_status=true`, credential);
    return found === undefined ? undefined : UNDER_WAY.includes(found.status);
  }

  /** Whether anybody's launch waits or is worked on. The list does not say what it launches. */
  async isLaunching(credential: Credential): Promise<boolean> {
    const waiting = await this.#status('all_status=false', credential);
    return waiting.some(({ name }) => LAUNCH.test(name ?? ''));
  }

  async #status(query: string, credential: Credential): Promise<readonly Request[]> {
    const answer = await this.#http.send({ method: 'GET', path: `/api/status?${query}` }, credential);
    if (isNotThere(answer)) return [];
    if (!isSuccess(answer)) throw notAnswered(answer);
    return checked(z.array(request), jsonOf(answer));
  }

  /** A job's log, as far as it is. */
  async text(
    path: string,
    body: Readonly<Record<string, unknown>>,
    stream: { readonly maxBytes: number; readonly maxMs: number },
    credential: Credential,
  ): Promise<string> {
    const answer = await this.#http.send(
      { method: 'POST', path, body: { ...ASKER, ...body }, stream },
      credential,
    );
    if (isNotThere(answer)) return '';
    if (!isSuccess(answer)) throw notAnswered(answer);
    return answer.text;
  }

  async close(): Promise<void> {
    await this.#http.close();
  }
}

function resultIn({ status, return_value, error }: Request): SkypilotResult {
  switch (status) {
    case 'SUCCEEDED':
      return { state: 'done', value: parsed(return_value) };
    case 'FAILED':
      return { state: 'failed', ...checked(cause, parsed(error) ?? {}) };
    case 'CANCELLED':
      return { state: 'cancelled' };
    default:
      throw new ProviderFailure('unknown', `its request is ${status.slice(0, 60)}`);
  }
}

/** A value that is JSON in a string of JSON. */
function parsed(text: string | null | undefined): unknown {
  if (text === null || text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProviderFailure('unknown', 'its request has an answer that is not JSON', undefined, { cause });
  }
}
