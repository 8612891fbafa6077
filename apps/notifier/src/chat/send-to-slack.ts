import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import {
  approvalEscalated,
  approvalReminder,
  approvalRequired,
  approvalStageStarted,
} from '@lineclear/contracts';
import { CONFIG, Database, type Secret } from '@lineclear/kit';
import type { Config } from '../config.js';
import {
  enterThread,
  forgetThread,
  keepThread,
  leaveThread,
  type ThreadKey,
} from '../db/slack-threads.repo.js';
import { insertQuestion, keepQuestion, type NewQuestion } from '../db/slack-questions.repo.js';
import type { AttemptResult } from '../domain/attempt.js';
import type { ChatChannel } from '../domain/channel.js';
import type { Message } from '../domain/message.js';
import { askingMessage } from '../domain/slack-approval.js';
import type { Asked } from '../domain/slack-interaction.js';
import { slackMessageOf } from '../domain/slack-message.js';
import type { SlackResult } from '../domain/slack-api-answer.js';
import { tellingOf } from '../domain/telling.js';
import { ShowOutcomes } from './show-outcomes.js';
import { SlackApi } from './slack-api.js';

/** Longer than a call may take: only an opener that died has it run out. */
const LEASE_MARGIN_SECONDS = 15;

/** Writes by a Slack app: all that is told of one job in one thread. */
@Injectable()
export class SendToSlack {
  constructor(
    private readonly database: Database,
    private readonly slack: SlackApi,
    private readonly outcomes: ShowOutcomes,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async send(
    channel: ChatChannel,
    token: Secret,
    { id, body }: { readonly id: string; readonly body: string },
    stop: AbortSignal,
  ): Promise<AttemptResult> {
    const message = JSON.parse(body) as Message;
    const slackChannel = channel.settings.slackChannel!;
    const question = questionIn(channel, message, { id, body });
    const telling = tellingOf(message, this.config.PUBLIC_URL);
    const post = (threadTs?: string): Promise<SlackResult> =>
      this.slack.call(
        'chat.postMessage',
        token,
        {
          channel: slackChannel,
          ...(question ? askingMessage(telling, askedIn(question, message)) : slackMessageOf(telling)),
          ...(threadTs === undefined ? {} : { thread_ts: threadTs }),
          unfurl_links: false,
        },
        stop,
      );
    const jobId = message.data['job_id'];
    if (typeof jobId !== 'string') return post();
    if (question) await insertQuestion(this.database, question);
    const result = await this.#inThread({ channelId: channel.id, slackChannel, jobId }, post);
    if (question && result.ts !== undefined) {
      await keepQuestion(this.database, id, result.ts);
      // It may have ended while the message was on its way.
      this.outcomes.look();
    }
    return result;
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

/** They ask whoever may decide now: each may be answered where it is. */
const ASKING: ReadonlySet<string> = new Set([
  approvalRequired.name,
  approvalReminder.name,
  approvalStageStarted.name,
  approvalEscalated.name,
]);

const askedIn = ({ approvalId }: NewQuestion, { data: { stage, round } }: Message): Asked => ({
  approvalId,
  step: typeof stage === 'number' && typeof round === 'number' ? { stage, round } : undefined,
});

/** What it asks people to decide by buttons, where there is what proves that Slack says who presses them. */
function questionIn(
  { id, settings }: ChatChannel,
  { type, data }: Message,
  { id: deliveryId, body }: { readonly id: string; readonly body: string },
): NewQuestion | undefined {
  const { approval_id: approvalId, job_id: jobId } = data;
  if (!ASKING.has(type) || !settings.hasSigningSecret) return undefined;
  if (typeof approvalId !== 'string' || typeof jobId !== 'string') return undefined;
  return { deliveryId, channelId: id, approvalId, jobId, slackChannel: settings.slackChannel!, body };
}
