import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { webhookFailure } from '@lineclear/contracts';
import { audited } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { CONFIG, Database, inSpan, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { SpanKind } from '@opentelemetry/api';
import { SendThroughChannel } from '../channels/send-through-channel.js';
import { scheduleOf, type Config } from '../config.js';
import { switchOff } from '../db/channels.repo.js';
import {
  claimDelivery,
  endAttempt,
  postpone,
  type AttemptEnd,
  type ClaimedDelivery,
} from '../db/deliveries.repo.js';
import { judge, type AttemptResult, type Verdict } from '../domain/attempt.js';
import { CurrentRoutes } from '../routing/current-routes.js';
import { DeliveryMetrics } from './delivery-metrics.js';

/** Longer than an attempt may take with all that is around it: only a holder that died has it run out. */
const LEASE_MARGIN_SECONDS = 15;

/** One attempt at one delivery: claimed, sent, written down. */
@Injectable()
export class SendDelivery {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly channels: SendThroughChannel,
    private readonly routes: CurrentRoutes,
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
        delivery.attempts,
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
    switch (verdict.state) {
      case 'postponed':
        return postpone(this.database, end, verdict.waitSeconds);
      case 'sent':
        return void (await endAttempt(this.database, end, 'sent', null));
      case 'retrying':
        return void (await endAttempt(this.database, end, 'retrying', verdict.waitSeconds));
      case 'failed':
        return this.database.tx(async (tx) => {
          // Nobody misses what is over.
          if ((await endAttempt(tx, end, 'failed', null)) && !verdict.isOver)
            await this.#giveUp(tx, delivery, error ?? '', verdict.channelIsGone);
        });
    }
  }

  async #giveUp(tx: Tx, delivery: ClaimedDelivery, why: string, channelIsGone: boolean): Promise<void> {
    const { channel, id, event_type, attempts } = delivery;
    this.log.warn(
      { delivery_id: id, channel_id: delivery.channel_id, event_type, attempts, why },
      'a notification was given up',
    );
    if (!channel?.isEnabled) return;
    if (channelIsGone) {
      await this.routes.changedIn(tx);
      if (await switchOff(tx, channel, why)) {
        const details = { is_enabled: { from: true, to: false } };
        await this.bus.publish(tx, audited('channel.changed', { target: `channel/${channel.id}`, details }));
      }
    }
    // News of a failure that fails itself is not news again: two broken channels would tell of each other for ever.
    if (event_type === webhookFailure.name) return;
    const data = {
      channel_id: channel.id,
      channel_name: channel.name,
      delivery_id: id,
      event_type,
      attempts,
      message: why,
    };
    await this.bus.publish(tx, event(webhookFailure, data, { about: `channel/${channel.id}` }));
  }
}

/** Others may say anything, and Postgres takes no NUL in text. */
const storable = (said: string | undefined): string | null => said?.replaceAll('\u0000', '') ?? null;
