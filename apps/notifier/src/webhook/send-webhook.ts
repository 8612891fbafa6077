import { Injectable } from '@nestjs/common';
import { Clock } from '@lineclear/kit';
import type { SigningSecrets } from '../channels/channel-secrets.js';
import type { AttemptResult } from '../domain/attempt.js';
import type { WebhookSettings } from '../domain/channel.js';
import { readRetryAfter } from '../domain/retry.js';
import { secretBytes, signatureHeaders, type Signer } from '../domain/sign.js';
import { keptOf, PostJson, type Answer } from '../outbound/post-json.js';

export interface WebhookMessage {
  /** The same over all attempts. */
  readonly id: string;
  readonly type: string;
  readonly body: string;
}

/** Posts signed messages to receivers of the outside world. */
@Injectable()
export class SendWebhook {
  constructor(
    private readonly outside: PostJson,
    private readonly clock: Clock,
  ) {}

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
    const headers = signatureHeaders([newest, ...others], message, this.clock.now());
    const answer = await this.outside.post(settings.url, message.body, headers, stop);
    if ('outcome' in answer) return answer;
    return { ...judgeAnswer(answer, this.clock.now()), response: keptOf(answer) };
  }
}

function judgeAnswer({ statusCode, retryAfter }: Answer, now: Date): AttemptResult {
  if (statusCode >= 200 && statusCode < 300) return { outcome: 'delivered', statusCode };
  if (statusCode === 410) return { outcome: 'gone', statusCode, error: 'the receiver answered 410 Gone' };
  const isRedirect = statusCode >= 300 && statusCode < 400;
  return {
    outcome: 'refused',
    statusCode,
    error: `the receiver answered ${statusCode}${isRedirect ? ': redirects are not followed' : ''}`,
    retryAfterSeconds: readRetryAfter(retryAfter, now),
  };
}
