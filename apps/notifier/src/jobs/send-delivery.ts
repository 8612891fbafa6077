import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { webhookFailure } from '@lineclear/contracts';
import { Bus, event } from '@lineclear/bus';
import { CONFIG, Database, inSpan, LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { SpanKind } from '@opentelemetry/api';
import { SendThroughChannel } from '../channels/send-through-channel.js';
import { scheduleOf, type Config } from '../config.js';
import { endAttempt, postpone, takeNext, type AttemptEnd } from '../db/deliveries.repo.js';
import { fallBack } from '../db/fallbacks.repo.js';
import { judge, type AttemptResult, type Verdict } from '../domain/attempt.js';
import type { Channel } from '../domain/channel.js';
import { AdmitDelivery, type Admitted } from './admit-delivery.js';
import { DeliveryMetrics } from './delivery-metrics.js';
import { DeliveryQueue } from './delivery-queue.js';
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
    private readonly admit: AdmitDelivery,
    private readonly endpoints: JudgeEndpoint,
    private readonly queue: DeliveryQueue,
    private readonly metrics: DeliveryMetrics,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Does nothing when the delivery is not due any more or someone else has it. */
  async run(id: string, stop: AbortSignal): Promise<void> {
    const holder = randomUUID();
    const lease = 2 * this.config.DELIVERY_TIMEOUT_SECONDS + LEASE_MARGIN_SECONDS;
    const delivery = await this.admit.claim(id, holder, lease);
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
      await this.#handOn(delivery);
    });
  }

  /** There is room for one more at this endpoint now: the next that waits for it need not wait for the sweeper. */
  async #handOn({ channel_type, channel_id }: Admitted): Promise<void> {
    if (channel_type === 'email') return;
    const next = await takeNext(this.database, channel_id);
    if (next) this.queue.hint([next]);
  }

  async #attempt(delivery: Admitted, stop: AbortSignal): Promise<AttemptResult> {
    const { channel } = delivery;
    if (!channel) return { outcome: 'hopeless', error: 'the channel was deleted' };
    if (!channel.isEnabled) return { outcome: 'hopeless', error: 'the channel is disabled' };
    const { id, event_type: type, recipient, body } = delivery;
    return this.channels.send(channel, { id, type, recipient, body }, stop);
  }

  async #writeDown(
    delivery: Admitted,
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
        if (channel && delivery.hasFailed) await this.endpoints.succeeded(this.database, channel);
        return;
      case 'retrying':
        return this.database.tx(async (tx) => {
          if (!(await endAttempt(tx, end, 'retrying', verdict.waitSeconds)) || !channel?.isEnabled) return;
          const off = await this.endpoints.failed(tx, channel);
          if (off !== undefined) await this.#tell(tx, delivery, channel, off, true);
        });
      case 'failed':
        return this.database.tx(async (tx) => {
          // Nobody misses what is over.
          if (!(await endAttempt(tx, end, 'failed', null)) || result.outcome === 'over') return;
          await this.#giveUp(tx, delivery, error ?? '', result.outcome);
          const next = await fallBack(tx, id);
          if (next !== undefined) tx.afterCommit(() => this.queue.hint([{ id: next, attempts: 0 }]));
        });
    }
  }

  async #giveUp(tx: Tx, delivery: Admitted, why: string, outcome: AttemptResult['outcome']): Promise<void> {
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
    { id, event_type, attempts }: Admitted,
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
