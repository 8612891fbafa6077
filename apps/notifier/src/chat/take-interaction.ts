import { randomBytes } from 'node:crypto';
import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { hashToken } from '@lineclear/access';
import { Clock, CONFIG, Database, LOGGER, type Logger, type Secret } from '@lineclear/kit';
import type { Config } from '../config.js';
import { keepCode, linkedUser } from '../db/slack-links.repo.js';
import { findQuestion } from '../db/slack-questions.repo.js';
import type { ChatChannel } from '../domain/channel.js';
import { reasonView } from '../domain/slack-approval.js';
import { REASON, type Interaction, type SlackPerson } from '../domain/slack-interaction.js';
import { slackText } from '../domain/slack-message.js';
import { DecideInSlack } from './decide-in-slack.js';
import { SlackApi } from './slack-api.js';

const CODE_LIVES_MS = 600_000;
const CODE_BYTES = 10;
/** Slack waits for an answer no longer than three. */
const OPEN_DEADLINE_MS = 2_500;
const MAX_TEXT = 2_000;

/** What Slack does with a window that was sent: closes it, or shows what is wrong in it. */
export type WindowAnswer =
  | { readonly response_action: 'clear' }
  | { readonly response_action: 'errors'; readonly errors: Readonly<Record<string, string>> };

type Press = Extract<Interaction, { kind: 'press' }>;
type Reason = Extract<Interaction, { kind: 'reason' }>;

/** Does what somebody wants by a button or a window in Slack, and tells them alone what came of it. */
@Injectable()
export class TakeInteraction implements BeforeApplicationShutdown {
  readonly #stop = new AbortController();

  constructor(
    private readonly database: Database,
    private readonly decisions: DecideInSlack,
    private readonly slack: SlackApi,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async press(channel: ChatChannel, token: Secret, { action, asked, triggerId, who }: Press): Promise<void> {
    const question = await findQuestion(this.database, channel.id, asked.approvalId);
    if (!question) return;
    const tell = (text: string): void => this.#tell(token, question.slack_channel, who, text);
    const userId = await linkedUser(this.database, channel.id, who);
    if (userId === undefined) return tell(await this.#invitation(channel, who));
    if (action === 'reject') {
      const view = { trigger_id: triggerId, view: reasonView(asked) };
      const { outcome, error } = await this.slack.call(
        'views.open',
        token,
        view,
        AbortSignal.timeout(OPEN_DEADLINE_MS),
      );
      if (outcome === 'delivered') return;
      this.log.warn({ channel_id: channel.id, why: error }, 'Slack opened no window');
      return tell('The window for the reason did not open. Nothing was decided; please try again.');
    }
    const word = { userId, asked, jobId: question.job_id, status: 'approved' as const };
    tell((await this.decisions.decide(word)).message);
  }

  async reason(channel: ChatChannel, { asked, reason, who }: Reason): Promise<WindowAnswer> {
    const question = await findQuestion(this.database, channel.id, asked.approvalId);
    const userId = await linkedUser(this.database, channel.id, who);
    if (!question || userId === undefined)
      return wrong('Nothing was decided: please press the button again.');
    if (reason === '') return wrong('Please say why.');
    const word = { userId, asked, jobId: question.job_id, status: 'rejected' as const, reason };
    const { isTaken, message } = await this.decisions.decide(word);
    return isTaken ? { response_action: 'clear' } : wrong(message);
  }

  /** A code that only they see: whoever is logged in with us and knows it is them. */
  async #invitation(channel: ChatChannel, who: SlackPerson): Promise<string> {
    const code = randomBytes(CODE_BYTES).toString('hex');
    const expiresAt = new Date(this.clock.now().getTime() + CODE_LIVES_MS);
    await keepCode(this.database, channel.id, who, hashToken(code), expiresAt);
    const url = `${this.config.PUBLIC_URL.replace(/\/$/, '')}/api/cloud/notifications/slack/links`;
    return [
      'Lineclear does not know yet who you are. Nothing was decided.',
      `Within ten minutes, send this code with your own API key, and press again: POST ${url} {"code": "${code}"}`,
      'Give it to nobody, and send no code that somebody gave you: whoever it came from would decide as you.',
    ].join('\n');
  }

  /** Slack is not kept waiting for it. */
  #tell(token: Secret, channel: string, { slackUserId }: SlackPerson, text: string): void {
    const message = { channel, user: slackUserId, text: slackText(text, MAX_TEXT) };
    this.slack
      .call('chat.postEphemeral', token, message, this.#stop.signal)
      .then(({ outcome, error }) => {
        if (outcome !== 'delivered') this.log.warn({ why: error }, 'somebody in Slack was not told');
      })
      .catch((error: unknown) => this.log.warn({ err: error }, 'somebody in Slack was not told'));
  }

  beforeApplicationShutdown(): void {
    this.#stop.abort();
  }
}

const wrong = (message: string): WindowAnswer => ({
  response_action: 'errors',
  errors: { [REASON]: message },
});
