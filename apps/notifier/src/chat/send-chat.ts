import { Inject, Injectable } from '@nestjs/common';
import { Clock, CONFIG, type Secret } from '@lineclear/kit';
import type { Config } from '../config.js';
import type { AttemptResult } from '../domain/attempt.js';
import type { ChatType } from '../domain/channel.js';
import { judgeChatAnswer } from '../domain/chat-answer.js';
import { discordMessageOf } from '../domain/discord-message.js';
import type { Message } from '../domain/message.js';
import { slackMessageOf } from '../domain/slack-message.js';
import { teamsMessageOf } from '../domain/teams-message.js';
import { tellingOf, type Telling } from '../domain/telling.js';
import { keptOf, PostJson } from '../outbound/post-json.js';

const RENDERERS: Readonly<Record<ChatType, (telling: Telling) => object>> = {
  slack: slackMessageOf,
  teams: teamsMessageOf,
  discord: discordMessageOf,
};

/**
 * Posts messages to the hooks of chats. Not by a client of the platforms' own: those bring their HTTP with them, which would
 * go past the guarded connector, and lose what an answer says of when to come again.
 */
@Injectable()
export class SendChat {
  constructor(
    private readonly outside: PostJson,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async send(type: ChatType, url: Secret, message: Message, stop: AbortSignal): Promise<AttemptResult> {
    const body = JSON.stringify(RENDERERS[type](tellingOf(message, this.config.PUBLIC_URL)));
    const answer = await this.outside.post(url.reveal(), body, {}, stop);
    if ('outcome' in answer) return answer;
    return { ...judgeChatAnswer(type, answer, this.clock.now()), response: keptOf(answer) };
  }
}
