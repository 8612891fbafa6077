import { randomUUID } from 'node:crypto';
import { Body, Controller, Delete, Get, Inject, Param, Patch, Post, Query } from '@nestjs/common';
import type { Principal } from '@lineclear/contracts';
import { Allow, ChangesNothing, Who } from '@lineclear/access';
import { Answers, BadInput, Clock, CONFIG, Database, NotFound, validate } from '@lineclear/kit';
import type { z } from 'zod';
import type { ChannelChange } from '../channels/channel-change.js';
import { KeepChannels } from '../channels/keep-channels.js';
import { RotateKeys } from '../channels/rotate-keys.js';
import { SendThroughChannel } from '../channels/send-through-channel.js';
import type { Config } from '../config.js';
import { CheckMailbox } from '../mailbox/check-mailbox.js';
import { countChannels, findChannel, listChannels } from '../db/channels.repo.js';
import { isSlackApp, mailboxOf, type Channel } from '../domain/channel.js';
import { signatureOf } from '../domain/signing-keys.js';
import { readAppChange, readHookChange } from './chat-mapping.js';
import { appChange, hookChange } from './chat-schemas.js';
import {
  makeKeys,
  readEmailChange,
  readNewChannel,
  readWebhookChange,
  showChannel,
} from './channel-mapping.js';
import {
  channelAnswer,
  channelChange,
  channelsAnswer,
  emailChange,
  newChannel,
  newChannelAnswer,
  rotateBody,
  testAnswer,
  testBody,
  webhookChange,
  type NewChannelBody,
} from './channel-schemas.js';
import { idParam, pageQuery, type Page } from './page.js';

const TEST_TYPE = 'channel.test';

/** The ways to reach people. */
@Controller('api/cloud/notifications/channels')
export class ChannelsController {
  constructor(
    private readonly database: Database,
    private readonly channels: KeepChannels,
    private readonly keys: RotateKeys,
    private readonly sender: SendThroughChannel,
    private readonly mailboxes: CheckMailbox,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get()
  @Allow('admin.config')
  @Answers(200, channelsAnswer, 'Lists the channels')
  async list(@Query({ schema: pageQuery }) { limit, cursor }: Page): Promise<z.infer<typeof channelsAnswer>> {
    const channels = await listChannels(this.database, limit, cursor);
    const { total } = await countChannels(this.database);
    const last = channels.at(-1);
    return {
      channels: channels.map((channel) => this.#show(channel)),
      total,
      ...(last && channels.length === limit ? { next_cursor: last.id } : {}),
    };
  }

  @Post()
  @Allow('admin.config')
  @Answers(201, newChannelAnswer, 'Adds a channel; a webhook secret that is made here is shown this once')
  async add(@Body({ schema: newChannel }) body: NewChannelBody): Promise<z.infer<typeof newChannelAnswer>> {
    const { channel, made, ...secrets } = readNewChannel(body, this.config.PUBLIC_URL);
    const added = await this.channels.add(channel, secrets);
    return { ...this.#show(added), ...(made ? { webhook_secret: made.reveal() } : {}) };
  }

  @Get(':id')
  @Allow('admin.config')
  @Answers(200, channelAnswer, 'Shows a channel')
  async show(@Param('id', { schema: idParam }) id: number): Promise<z.infer<typeof channelAnswer>> {
    return this.#show(await this.#mustFind(id));
  }

  @Patch(':id')
  @Allow('admin.config')
  @Answers(200, channelAnswer, 'Changes a channel; its type stays')
  async change(
    @Param('id', { schema: idParam }) id: number,
    @Body({ schema: channelChange }) body: z.infer<typeof channelChange>,
  ): Promise<z.infer<typeof channelAnswer>> {
    const channel = await this.#mustFind(id);
    return this.#show(await this.channels.change(id, readChange(channel, body)));
  }

  @Post(':id/rotate-secret')
  @Allow('admin.config')
  @Answers(
    200,
    newChannelAnswer,
    'Gives a webhook new keys; those before them sign as well for `overlap_hours`. A secret that is made here is shown this once',
  )
  async rotate(
    @Param('id', { schema: idParam }) id: number,
    @Body({ schema: rotateBody }) body: z.infer<typeof rotateBody>,
  ): Promise<z.infer<typeof newChannelAnswer>> {
    const channel = await this.#mustFind(id);
    if (channel.type !== 'webhook') throw BadInput.at('id', 'is not a webhook: there is nothing to rotate');
    const signature = body.signature ?? signatureOf(channel.settings.keys);
    const { made, ...keys } = makeKeys(signature, body.webhook_secret);
    const rotated = await this.keys.rotate(channel, { ...keys, overlapHours: body.overlap_hours });
    return { ...this.#show(rotated), ...(made ? { webhook_secret: made.reveal() } : {}) };
  }

  @Delete(':id')
  @Allow('admin.config')
  @Answers(204, null, 'Deletes a channel with its preferences and its secret; the log of what it sent stays')
  async remove(@Param('id', { schema: idParam }) id: number): Promise<void> {
    await this.channels.remove(id);
  }

  @Post(':id/test')
  @ChangesNothing()
  @Allow('admin.config')
  @Answers(
    200,
    testAnswer,
    'Sends a test message through a channel, once; mail goes to `recipient` or to the caller. Logs in to its mailbox, if it has one',
  )
  async test(
    @Param('id', { schema: idParam }) id: number,
    @Body({ schema: testBody }) body: z.infer<typeof testBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof testAnswer>> {
    const channel = await this.#mustFind(id);
    if (channel.type !== 'email' && body.recipient !== undefined) {
      throw BadInput.at('recipient', `a ${channel.type} channel has no recipient but its URL`);
    }
    const data = { channel_id: id, channel_name: channel.name, message: 'This channel works.' };
    const message = { type: TEST_TYPE, timestamp: this.clock.now().toISOString(), data };
    const parcel = {
      id: randomUUID(),
      type: TEST_TYPE,
      recipient: channel.type === 'email' ? (body.recipient ?? who.email) : '',
      body: JSON.stringify(message),
    };
    const startedMs = performance.now();
    // Nothing cuts it short but its own time limit.
    const { outcome, error } = await this.sender.send(channel, parcel, new AbortController().signal);
    const unread =
      channel.type === 'email' && mailboxOf(channel).isEnabled
        ? await this.mailboxes.check(channel)
        : undefined;
    const errors = [error, unread].filter((one) => one !== undefined);
    return {
      success: outcome === 'delivered' && unread === undefined,
      ...(errors.length === 0 ? {} : { error: errors.join('; ') }),
      latency_ms: Math.round((performance.now() - startedMs) * 10) / 10,
    };
  }

  #show(channel: Channel): z.infer<typeof channelAnswer> {
    return showChannel(channel, this.config.REPLY_SENDER_CHECK, this.clock.now());
  }

  async #mustFind(id: number): Promise<Channel> {
    const channel = await findChannel(this.database, id);
    if (!channel) throw new NotFound('channel', id);
    return channel;
  }
}

function readChange(channel: Channel, body: z.infer<typeof channelChange>): ChannelChange {
  switch (channel.type) {
    case 'webhook':
      return readWebhookChange(validate(webhookChange, body));
    case 'email':
      return readEmailChange(validate(emailChange, body));
    case 'slack':
    case 'teams':
    case 'discord':
      return isSlackApp(channel)
        ? readAppChange(validate(appChange, body))
        : readHookChange(validate(hookChange, body));
  }
}
