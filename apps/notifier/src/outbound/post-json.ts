import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG } from '@lineclear/kit';
import { Agent, request, type Dispatcher } from 'undici';
import type { Config } from '../config.js';
import type { AttemptResult } from '../domain/attempt.js';
import { explainError } from './explain-error.js';
import { guardedConnector } from './guarded-connector.js';
import { timeLimit } from './time-limit.js';

export interface Answer {
  readonly statusCode: number;
  readonly retryAfter: string | undefined;
  /** As much as is read of it. */
  readonly text: string;
}

const MAX_KEPT_CHARACTERS = 1_024;
/** So much is read so that the connection can be used again; more is cut off. */
const MAX_READ_BYTES = 65_536;

/** Posts JSON to machines of the outside world: public addresses only, no redirects, within the time limit of an attempt. */
@Injectable()
export class PostJson implements OnApplicationShutdown {
  readonly #agent: Agent;
  readonly #timeoutMs: number;

  constructor(@Inject(CONFIG) config: Config) {
    this.#timeoutMs = config.DELIVERY_TIMEOUT_SECONDS * 1_000;
    const connect = guardedConnector({
      allowed: config.LINECLEAR_WEBHOOK_ALLOW_CIDRS,
      timeoutMs: this.#timeoutMs,
    });
    // As many connections as messages under way: one that waited for a connection would use up its time limit waiting.
    this.#agent = new Agent({ connect, pipelining: 1 });
  }

  /** The answer, or how the attempt ended without one. */
  async post(
    url: string,
    body: string,
    headers: Readonly<Record<string, string>>,
    stop: AbortSignal,
  ): Promise<Answer | AttemptResult> {
    const limit = timeLimit(stop, this.#timeoutMs);
    try {
      const answer = await request(url, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { 'content-type': 'application/json', 'user-agent': 'Lineclear-Webhooks/1', ...headers },
        body,
        signal: limit.signal,
      });
      const retryAfter = answer.headers['retry-after'];
      return {
        statusCode: answer.statusCode,
        retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
        text: await beginningOf(answer.body),
      };
    } catch (error) {
      if (stop.aborted) return { outcome: 'postponed', error: 'this service stopped before the answer came' };
      return { outcome: 'refused', error: explainError(error) };
    } finally {
      limit.end();
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** What of an answer is kept in the log. */
export const keptOf = ({ text }: Answer): string | undefined =>
  text === '' ? undefined : text.slice(0, MAX_KEPT_CHARACTERS);

/** An answer that breaks off has still given its status. */
async function beginningOf(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_READ_BYTES) break;
    }
  } catch {
    // What came is kept.
  }
  return Buffer.concat(chunks).toString('utf8');
}
