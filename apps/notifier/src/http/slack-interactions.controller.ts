import type { IncomingHttpHeaders } from 'node:http';
import { Body, Controller, Param, Post, Req } from '@nestjs/common';
import { nothingChanged, Public } from '@lineclear/access';
import { Answers, BadInput, Clock, Database, NotAuthenticated, NotFound, TakesForm } from '@lineclear/kit';
import { z } from 'zod';
import { ChannelSecrets } from '../channels/channel-secrets.js';
import { TakeInteraction, type WindowAnswer } from '../chat/take-interaction.js';
import { findChannel } from '../db/channels.repo.js';
import { isFirstTime } from '../db/slack-links.repo.js';
import { isSlackApp, type ChatChannel } from '../domain/channel.js';
import { readInteraction } from '../domain/slack-interaction.js';
import { isFromSlack } from '../domain/slack-signature.js';
import { idParam } from './page.js';

const body = z.strictObject({ payload: z.string().min(1).max(200_000) });
const answer = z.object({
  response_action: z.enum(['clear', 'errors']),
  errors: z.record(z.string(), z.string()).optional(),
});

interface SignedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly rawBody?: Buffer;
}

/** What people press in Slack. Slack waits three seconds, so everything here has a deadline. */
@Controller('api/cloud/notifications/slack')
export class SlackInteractionsController {
  constructor(
    private readonly database: Database,
    private readonly secrets: ChannelSecrets,
    private readonly interactions: TakeInteraction,
    private readonly clock: Clock,
  ) {}

  @Post(':channel_id/interactions')
  @Public()
  @TakesForm('payload')
  @Answers(
    200,
    answer,
    'Takes what Slack says of its buttons and windows, signed by Slack; of a button the answer is empty',
  )
  async take(
    @Param('channel_id', { schema: idParam }) id: number,
    @Body({ schema: body }) { payload }: z.infer<typeof body>,
    @Req() request: SignedRequest,
  ): Promise<WindowAnswer | undefined> {
    // What is decided here, approvals says to the audit log.
    nothingChanged();
    const channel = await this.#mustFind(id);
    await this.#mustBeFromSlack(channel, request);
    const interaction = readInteraction(payload);
    if (!interaction) throw BadInput.at('payload', 'is not an interaction of Slack');
    if (interaction.kind === 'other') return undefined;
    if (interaction.kind === 'reason') return this.interactions.reason(channel, interaction);
    const token = await this.secrets.read(channel);
    if (token) await this.interactions.press(channel, token, interaction);
    return undefined;
  }

  /** One that is switched off takes nothing. */
  async #mustFind(id: number): Promise<ChatChannel> {
    const channel = await findChannel(this.database, id);
    if (!channel?.isEnabled || !isSlackApp(channel)) throw new NotFound('Slack channel with buttons', id);
    return channel as ChatChannel;
  }

  async #mustBeFromSlack(channel: ChatChannel, { headers, rawBody }: SignedRequest): Promise<void> {
    const secret = await this.secrets.readSigningSecret(channel);
    if (!secret) throw new NotFound('Slack channel with buttons', channel.id);
    const proof = {
      timestamp: textOf(headers['x-slack-request-timestamp']),
      signature: textOf(headers['x-slack-signature']),
    };
    if (!isFromSlack(secret.reveal(), proof, rawBody ?? Buffer.alloc(0), this.clock.now()))
      throw new NotAuthenticated('this is not signed by Slack, or not now');
    if (!(await isFirstTime(this.database, proof.signature))) throw new NotAuthenticated('this came before');
  }
}

const textOf = (header: string | string[] | undefined): string => (typeof header === 'string' ? header : '');
