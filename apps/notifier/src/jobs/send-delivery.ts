import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { webhookFailure } from '@lineclear/contracts';
import { Bus, event } from '@lineclear/bus';
import { CONFIG, Database, inSpan, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { SpanKind } from '@opentelemetry/api';
import { SendThroughChannel } from '../channels/send-through-channel.js';
import { scheduleOf, type Config } from '../config.js';
import {
  claimDelivery,
  endAttempt,
  postpone,
  type AttemptEnd,
  type ClaimedDelivery,
} from '../db/deliveries.repo.js';
import { judge, type AttemptResult, type Verdict } from '../domain/attempt.js';
import type { Channel } from '../domain/channel.js';
import { DeliveryMetrics } from './delivery-metrics.js';
import { JudgeEndpoint } from './judge-endpoint.js';

/** Longer than an attempt may take with all that is around it: only a holder that died has it run out. */
const LEASE_MARGIN_SECONDS = 15;

/** One attempt at one delivery: claimed, sent, written down. */
@Injectable()
export class SendDelivery {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly channels: SendThroughChannel,
    private readonly endpoints: JudgeEndpoint,
    private readonly metrics: DeliveryMetrics,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Does nothing when the delivery is not due any more or someone else has it. */
  async run(id: string, stop: AbortSignal): Promise<void> {
    const holder = randomUUID();
    const lease = 2 * this.config.DELIVERY_TIMEOUT_SECONDS + LEASE_MARGIN_SECONDS;
    const delivery = await claimDelivery(this.database, id, holder, lease);
    if (!delivery) return;
    const traceparent = delivery.traceparent ?? undefined;
    await inSpan(`deliver ${delivery.channel_type}`, { kind: SpanKind.CLIENT, traceparent }, async () => {
      const startedMs = performance.now();
      const result = await this.#attempt(delivery, stop);
      const durationMs = Math.round(performance.now() - startedMs);
      const verdict = judge(
        result,
        delivery.round_attempt,
        scheduleOf(this.config, delivery.channel_type),
        Math.random(),
      );
      this.metrics.attempted(delivery.channel_type, verdict.state, durationMs / 1_000);
      await this.#writeDown(delivery, holder, durationMs, result, verdict);
    });
  }

  async #attempt(delivery: ClaimedDelivery, stop: AbortSignal): Promise<AttemptResult> {
    const { channel } = delivery;
    if (!channel) return { outcome: 'hopeless', error: 'the channel was deleted' };
    if (!channel.isEnabled) return { outcome: 'hopeless', error: 'the channel is disabled' };
    const { id, event_type: type, recipient, body } = delivery;
    return this.channels.send(channel, { id, type, recipient, body }, stop);
  }

  async #writeDown(
    delivery: ClaimedDelivery,
    holder: string,
    durationMs: number,
    result: AttemptResult,
    verdict: Verdict,
  ): Promise<void> {
    const { id, attempts: attempt } = delivery;
    const { statusCode = null } = result;
    const [error, response] = [storable(result.error), storable(result.response)];
    const end: AttemptEnd = { id, holder, attempt, durationMs, statusCode, error, response };
    const { channel_id, event_type } = delivery;
    this.log.debug(
      {
        delivery_id: id,
        channel_id,
        event_type,
        attempt,
        status_code: statusCode,
        state: verdict.state,
        error,
      },
      'attempted',
    );
    const { channel } = delivery;
    switch (verdict.state) {
      case 'postponed':
        return postpone(this.database, end, verdict.waitSeconds);
      case 'sent':
        await endAttempt(this.database, end, 'sent', null);
        return channel && this.endpoints.succeeded(this.database, channel);
      case 'retrying':
        return this.database.tx(async (tx) => {
          if (!(await endAttempt(tx, end, 'retrying', verdict.waitSeconds)) || !channel?.isEnabled) return;
          const off = await this.endpoints.failed(tx, channel);
          if (off !== undefined) await this.#tell(tx, delivery, channel, off, true);
        });
      case 'failed':
        return this.database.tx(async (tx) => {
          if (await endAttempt(tx, end, 'failed', null))
            await this.#giveUp(tx, delivery, error ?? '', result.outcome);
        });
    }
  }

  async #giveUp(
    tx: Tx,
    delivery: ClaimedDelivery,
    why: string,
    outcome: AttemptResult['outcome'],
  ): Promise<void> {
    const { channel, id, event_type, attempts } = delivery;
    this.log.warn(
      { delivery_id: id, channel_id: delivery.channel_id, event_type, attempts, why },
      'a notification was given up',
    );
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

/** Others may say anything, and Postgres takes no NUL in text. */
const storable = (said: string | undefined): string | null => said?.replaceAll('\u0000', '') ?? null;
