import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Clock, CONFIG, Database, LOGGER, Unavailable, type Logger, type Tx } from '@lineclear/kit';
import { ChannelSecrets } from '../channels/channel-secrets.js';
import type { Config } from '../config.js';
import { findChannel } from '../db/channels.repo.js';
import {
  endQuestion,
  insertOutcomes,
  takeEnded,
  tryAgain,
  type EndedQuestion,
} from '../db/slack-questions.repo.js';
import type { ChatChannel } from '../domain/channel.js';
import type { Message } from '../domain/message.js';
import { decidedMessage, type Outcome } from '../domain/slack-approval.js';
import type { SlackResult } from '../domain/slack-api-answer.js';
import { tellingOf } from '../domain/telling.js';
import { Bell } from '../mailbox/bell.js';
import { SlackApi } from './slack-api.js';

const TICK_MS = 1_000;
const BATCH = 20;
const LEASE_MARGIN_SECONDS = 15;
const RETRY_SECONDS = 30;
/** After a day nobody looks at it any more. */
const GIVE_UP_MS = 86_400_000;

/** Shows on messages that asked for a decision how that ended, whichever way it was given. */
@Injectable()
export class ShowOutcomes implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stop = new AbortController();
  readonly #bell = new Bell();
  #running: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly secrets: ChannelSecrets,
    private readonly slack: SlackApi,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async note(outcomes: readonly { approvalId: string; outcome: Outcome }[], tx: Tx): Promise<void> {
    await insertOutcomes(tx, outcomes);
    tx.afterCommit(() => this.look());
  }

  /** Something may have to be shown now. */
  look(): void {
    this.#bell.ring();
  }

  onApplicationBootstrap(): void {
    this.#running = this.#run(this.#stop.signal);
  }

  async #run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        const lease = this.config.DELIVERY_TIMEOUT_SECONDS + LEASE_MARGIN_SECONDS;
        const ended = await takeEnded(this.database, BATCH, lease);
        await Promise.all(ended.map((question) => this.#show(question, stop)));
        if (ended.length === BATCH) continue;
      } catch (error) {
        this.log.warn({ err: error }, 'could not show in Slack how requests ended; trying again');
      }
      await this.#bell.wait(TICK_MS, stop);
    }
  }

  async #show(question: EndedQuestion, stop: AbortSignal): Promise<void> {
    const { channel_id, approval_id, outcome } = question;
    const result = await this.#update(question, stop);
    const isTooLate = this.clock.now().getTime() - Date.parse(outcome.at) > GIVE_UP_MS;
    const isTried = result.outcome === 'refused' || result.outcome === 'postponed';
    if (isTried && !isTooLate)
      return tryAgain(this.database, question, Math.max(RETRY_SECONDS, result.retryAfterSeconds ?? 0));
    if (result.outcome !== 'delivered')
      this.log.warn({ channel_id, approval_id, why: result.error }, 'a message in Slack keeps its buttons');
    await endQuestion(this.database, question);
  }

  async #update(
    { channel_id, slack_channel, ts, body, outcome }: EndedQuestion,
    stop: AbortSignal,
  ): Promise<SlackResult> {
    const channel = (await findChannel(this.database, channel_id)) as ChatChannel | undefined;
    if (!channel) return { outcome: 'gone', error: 'the channel was deleted' };
    try {
      const token = await this.secrets.read(channel);
      if (!token)
        return { outcome: 'refused', error: 'the secrets service has no bot_token of this channel' };
      const telling = tellingOf(JSON.parse(body) as Message, this.config.PUBLIC_URL);
      const message = { channel: slack_channel, ts, ...decidedMessage(telling, outcome) };
      return await this.slack.call('chat.update', token, message, stop);
    } catch (error) {
      if (error instanceof Unavailable) return { outcome: 'postponed', error: error.message };
      throw error;
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
