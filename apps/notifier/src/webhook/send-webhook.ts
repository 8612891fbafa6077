import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, CONFIG } from '@lineclear/kit';
import { Agent, request, type Dispatcher } from 'undici';
import type { SigningSecrets } from '../channels/channel-secrets.js';
import type { Config } from '../config.js';
import type { AttemptResult } from '../domain/attempt.js';
import type { WebhookSettings } from '../domain/channel.js';
import { readRetryAfter } from '../domain/retry.js';
import { secretBytes, signatureHeaders, type Signer } from '../domain/sign.js';
import { explainError } from '../outbound/explain-error.js';
import { guardedConnector } from '../outbound/guarded-connector.js';

export interface WebhookMessage {
  /** The same over all attempts. */
  readonly id: string;
  readonly type: string;
  readonly body: string;
}

const MAX_KEPT_BYTES = 1_024;
/** So much is read so that the connection can be used again; more is cut off. */
const MAX_READ_BYTES = 65_536;

/** Posts signed messages to receivers of the outside world: public addresses only, no redirects. */
@Injectable()
export class SendWebhook implements OnApplicationShutdown {
  readonly #agent: Agent;
  readonly #timeoutMs: number;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly clock: Clock,
  ) {
    this.#timeoutMs = config.DELIVERY_TIMEOUT_SECONDS * 1_000;
    const connect = guardedConnector({
      allowed: config.LINECLEAR_WEBHOOK_ALLOW_CIDRS,
      timeoutMs: this.#timeoutMs,
    });
    // As many connections as messages under way: one that waited for a connection would use up its time limit waiting.
    this.#agent = new Agent({ connect, pipelining: 1 });
  }

  async send(
    settings: WebhookSettings,
    secrets: readonly SigningSecrets[],
    message: WebhookMessage,
    stop: AbortSignal,
  ): Promise<AttemptResult> {
    const [newest, ...others] = secrets.flatMap(({ secret, privateKey }): Signer[] => {
      const key = secretBytes(secret.reveal());
      return key ? [{ key, privateKey: privateKey?.reveal() }] : [];
    });
    if (!newest)
      return {
        outcome: 'refused',
        error: 'its webhook_secret is not of the form whsec_…: nothing is sent unsigned',
      };
    try {
      const answer = await request(settings.url, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Lineclear-Webhooks/1',
          ...signatureHeaders([newest, ...others], message, this.clock.now()),
        },
        body: message.body,
        signal: AbortSignal.any([stop, AbortSignal.timeout(this.#timeoutMs)]),
      });
      return { ...judgeAnswer(answer, this.clock.now()), response: await beginningOf(answer.body) };
    } catch (error) {
      if (stop.aborted) return { outcome: 'postponed', error: 'this service stopped before the answer came' };
      return { outcome: 'refused', error: explainError(error) };
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#agent.destroy();
  }
}

function judgeAnswer({ statusCode, headers }: Dispatcher.ResponseData, now: Date): AttemptResult {
  if (statusCode >= 200 && statusCode < 300) return { outcome: 'delivered', statusCode };
  if (statusCode === 410) return { outcome: 'gone', statusCode, error: 'the receiver answered 410 Gone' };
  const isRedirect = statusCode >= 300 && statusCode < 400;
  const retryAfter = headers['retry-after'];
  return {
    outcome: 'refused',
    statusCode,
    error: `the receiver answered ${statusCode}${isRedirect ? ': redirects are not followed' : ''}`,
    retryAfterSeconds: readRetryAfter(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, now),
  };
}

/** The first kilobyte as text. An answer that breaks off has still given its status. */
async function beginningOf(body: Dispatcher.ResponseData['body']): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (size < MAX_KEPT_BYTES) chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_READ_BYTES) break;
    }
  } catch {
    // What came is kept.
  }
  const text = Buffer.concat(chunks).subarray(0, MAX_KEPT_BYTES).toString('utf8');
  return text === '' ? undefined : text;
}
