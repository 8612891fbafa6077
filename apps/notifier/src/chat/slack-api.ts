import { Inject, Injectable } from '@nestjs/common';
import { Clock, CONFIG, type Secret } from '@lineclear/kit';
import type { Config } from '../config.js';
import { readSlackAnswer, type SlackResult } from '../domain/slack-api-answer.js';
import { keptOf, PostJson } from '../outbound/post-json.js';

export type SlackMethod = 'chat.postMessage' | 'chat.postEphemeral' | 'chat.update' | 'views.open';

/** Slack's Web API, by our own guarded way out. */
@Injectable()
export class SlackApi {
  readonly #base: string;

  constructor(
    private readonly outside: PostJson,
    private readonly clock: Clock,
    @Inject(CONFIG) config: Config,
  ) {
    this.#base = config.SLACK_API_URL.replace(/\/$/, '');
  }

  async call(method: SlackMethod, token: Secret, body: object, stop: AbortSignal): Promise<SlackResult> {
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      authorization: `Bearer ${token.reveal()}`,
    };
    const answer = await this.outside.post(`${this.#base}/${method}`, JSON.stringify(body), headers, stop);
    if ('outcome' in answer) return answer;
    return { ...readSlackAnswer(answer, this.clock.now()), response: keptOf(answer) };
  }
}
