import { Inject, Injectable } from '@nestjs/common';
import { webhookFailure } from '@lineclear/contracts';
import { Bus, event } from '@lineclear/bus';
import { CONFIG, Database, inSpan, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { SpanKind } from '@opentelemetry/api';
import { SendThroughChannel } from '../channels/send-through-channel.js';
import { scheduleOf, type Config } from '../config.js';
import { endAttempts, postpone, type AttemptEnd, type ClaimedDelivery } from '../db/attempts.repo.js';
import { fallBack } from '../db/fallbacks.repo.js';
import { judge, type AttemptResult } from '../domain/attempt.js';
import type { Channel } from '../domain/channel.js';
import { DeliveryMetrics } from './delivery-metrics.js';
import { DeliveryQueue } from './delivery-queue.js';
import { JudgeEndpoint } from './judge-endpoint.js';

/** One attempt at one delivery that was claimed. */
@Injectable()
export class SendDelivery {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly channels: SendThroughChannel,
    private readonly endpoints: JudgeEndpoint,
    private readonly queue: DeliveryQueue,
    private readonly metrics: DeliveryMetrics,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Gives what is still to be written down, of a delivery that arrived; any other end is written down already. */
  async send(
    delivery: ClaimedDelivery,
    channel: Channel | undefined,
    stop: AbortSignal,
  ): Promise<AttemptEnd | undefined> {
    const traceparent = delivery.traceparent ?? undefined;
    return inSpan(`deliver ${delivery.channel_type}`, { kind: SpanKind.CLIENT, traceparent }, async () => {
      const startedMs = performance.now();
      const result = await this.#attempt(delivery, channel, stop);
      const durationMs = Math.round(performance.now() - startedMs);
      const schedule = scheduleOf(this.config, delivery.channel_type);
      const verdict = judge(result, delivery.round_attempt, schedule, Math.random());
      this.metrics.attempted(delivery.channel_type, verdict.state, durationMs / 1_000);
      const { id, holder, attempts: attempt } = delivery;
      const { statusCode = null } = result;
      const [error, response] = [storable(result.error), storable(result.response)];
      const ended = { id, holder, attempt, durationMs, statusCode, error, response };
      const { channel_id, event_type } = delivery;
      const attempted = { channel_id, event_type, attempt, status_code: statusCode, state: verdict.state };
      this.log.debug({ delivery_id: id, ...attempted, error }, 'attempted');
      switch (verdict.state) {
        case 'sent':
          return { ...ended, state: 'sent', waitSeconds: null };
        case 'postponed':
          await postpone(this.database, delivery, error, verdict.waitSeconds);
          return undefined;
        case 'retrying': {
          const end: AttemptEnd = { ...ended, state: 'retrying', waitSeconds: verdict.waitSeconds };
          await this.#retry(delivery, channel, end);
          return undefined;
        }
        case 'failed': {
          const end: AttemptEnd = { ...ended, state: 'failed', waitSeconds: null };
          await this.#fail(delivery, channel, end, result.outcome);
          return undefined;
        }
      }
    });
  }

  async #attempt(
    { id, event_type: type, recipient, body }: ClaimedDelivery,
    channel: Channel | undefined,
    stop: AbortSignal,
  ): Promise<AttemptResult> {
    if (!channel) return { outcome: 'hopeless', error: 'the channel was deleted' };
    if (!channel.isEnabled) return { outcome: 'hopeless', error: 'the channel is disabled' };
    return this.channels.send(channel, { id, type, recipient, body }, stop);
  }

  async #retry(delivery: ClaimedDelivery, channel: Channel | undefined, end: AttemptEnd): Promise<void> {
    await this.database.tx(async (tx) => {
      if (!(await isWritten(tx, end)) || !channel?.isEnabled) return;
      const off = await this.endpoints.failed(tx, channel);
      if (off !== undefined) await this.#tell(tx, delivery, channel, off, true);
    });
  }

  async #fail(
    delivery: ClaimedDelivery,
    channel: Channel | undefined,
    end: AttemptEnd,
    outcome: AttemptResult['outcome'],
  ): Promise<void> {
    await this.database.tx(async (tx) => {
      // Nobody misses what is over.
      if (!(await isWritten(tx, end)) || outcome === 'over') return;
      await this.#giveUp(tx, delivery, channel, end.error ?? '', outcome);
      const standIn = await fallBack(tx, delivery.id);
      if (standIn !== undefined) tx.afterCommit(() => this.queue.hint([standIn]));
    });
  }

  async #giveUp(
    tx: Tx,
    delivery: ClaimedDelivery,
    channel: Channel | undefined,
    why: string,
    outcome: AttemptResult['outcome'],
  ): Promise<void> {
    const { id, channel_id, event_type, attempts } = delivery;
    this.log.warn({ delivery_id: id, channel_id, event_type, attempts, why }, 'a notification was given up');
    if (!channel?.isEnabled) return;
    const isGone = outcome === 'gone' && (await this.endpoints.switchOff(tx, channel, why));
    const off = outcome === 'refused' ? await this.endpoints.failed(tx, channel) : undefined;
    await this.#tell(tx, delivery, channel, off ?? why, isGone || off !== undefined);
  }

  async #tell(
    tx: Tx,
    { id, event_type, attempts }: ClaimedDelivery,
    channel: Channel,
    message: string,
    isOff: boolean,
  ): Promise<void> {
    // News of a failure that fails itself is not news again: two broken channels would tell of each other for ever. A channel
    // that was switched off says so, once.
    if (event_type === webhookFailure.name && !isOff) return;
    const data = {
      channel_id: channel.id,
      channel_name: channel.name,
      delivery_id: id,
      event_type,
      attempts,
      message,
      ...(isOff ? { channel_disabled: true } : {}),
    };
    await this.bus.publish(tx, event(webhookFailure, data, { about: `channel/${channel.id}` }));
  }
}

/** False when another one took it over. */
const isWritten = async (tx: Tx, end: AttemptEnd): Promise<boolean> =>
  (await endAttempts(tx, [end])).size > 0;

/** Others may say anything, and Postgres takes no NUL in text. */
const storable = (said: string | undefined): string | null => said?.replaceAll('\u0000', '') ?? null;
