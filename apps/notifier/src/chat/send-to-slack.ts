import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, Database, type Secret } from '@lineclear/kit';
import type { Config } from '../config.js';
import {
  enterThread,
  forgetThread,
  keepThread,
  leaveThread,
  type ThreadKey,
} from '../db/slack-threads.repo.js';
import type { AttemptResult } from '../domain/attempt.js';
import type { ChatChannel } from '../domain/channel.js';
import type { Message } from '../domain/message.js';
import { slackMessageOf } from '../domain/slack-message.js';
import type { SlackResult } from '../domain/slack-api-answer.js';
import { tellingOf } from '../domain/telling.js';
import { SlackApi } from './slack-api.js';

/** Longer than a call may take: only an opener that died has it run out. */
const LEASE_MARGIN_SECONDS = 15;

/** Writes by a Slack app: all that is told of one job in one thread. */
@Injectable()
export class SendToSlack {
  constructor(
    private readonly database: Database,
    private readonly slack: SlackApi,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async send(
    channel: ChatChannel,
    token: Secret,
    { body }: { readonly body: string },
    stop: AbortSignal,
  ): Promise<AttemptResult> {
    const message = JSON.parse(body) as Message;
    const slackChannel = channel.settings.slackChannel!;
    const post = (threadTs?: string): Promise<SlackResult> =>
      this.slack.call(
        'chat.postMessage',
        token,
        {
          channel: slackChannel,
          ...slackMessageOf(tellingOf(message, this.config.PUBLIC_URL)),
          ...(threadTs === undefined ? {} : { thread_ts: threadTs }),
          unfurl_links: false,
        },
        stop,
      );
    const jobId = message.data['job_id'];
    if (typeof jobId !== 'string') return post();
    return this.#inThread({ channelId: channel.id, slackChannel, jobId }, post);
  }

  /** The first message of a job opens its thread; others that come meanwhile wait until it is known. */
  async #inThread(key: ThreadKey, post: (threadTs?: string) => Promise<SlackResult>): Promise<SlackResult> {
    const opener = randomUUID();
    const lease = this.config.DELIVERY_TIMEOUT_SECONDS + LEASE_MARGIN_SECONDS;
    const entered = await enterThread(this.database, key, opener, lease);
    switch (entered.as) {
      case 'other':
        return { outcome: 'postponed', error: 'another message of this job opens its thread' };
      case 'reply': {
        const result = await post(entered.ts);
        // Somebody deleted its first message: the next attempt opens another.
        if (result.code === 'thread_not_found') await forgetThread(this.database, key, entered.ts);
        return result;
      }
      case 'opener': {
        const result = await post();
        if (result.ts === undefined) await leaveThread(this.database, key, opener);
        else await keepThread(this.database, key, opener, result.ts);
        return result;
      }
    }
  }
}
