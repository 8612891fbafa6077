import { Controller, Inject } from '@nestjs/common';
import {
  mailboxOf,
  ownSecretTaken,
  passwordChanged,
  passwordResetRequested,
  type EventOf,
} from '@lineclear/contracts';
import { askPatiently, Bus, OnEvent } from '@lineclear/bus';
import { LOGGER, type Logger, type Tx } from '@lineclear/kit';
import { firstEmailChannel } from '../db/channels.repo.js';
import { insertSkips } from '../db/event-skips.repo.js';
import type { SkipReason } from '../domain/skips.js';
import { DeliveryQueue } from '../jobs/delivery-queue.js';
import { personalDelivery, storeDeliveries } from './deliveries-of-event.js';

const DEADLINE_MS = 2_000;

type Personal =
  EventOf<typeof passwordResetRequested> | EventOf<typeof passwordChanged> | EventOf<typeof ownSecretTaken>;

/** What only the person is told whom it is about, at their own address, whatever others want to hear of. */
@Controller()
export class TellThePersonController {
  constructor(
    private readonly queue: DeliveryQueue,
    private readonly bus: Bus,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @OnEvent(passwordResetRequested)
  async resetRequested(event: EventOf<typeof passwordResetRequested>, tx: Tx): Promise<void> {
    await this.#mail(event, event.data.email, tx);
  }

  @OnEvent(passwordChanged)
  async changed(event: EventOf<typeof passwordChanged>, tx: Tx): Promise<void> {
    await this.#mail(event, event.data.email, tx);
  }

  /** While auth does not answer, it comes again. */
  @OnEvent(ownSecretTaken)
  async secretTaken(event: EventOf<typeof ownSecretTaken>, tx: Tx): Promise<void> {
    const { mailbox } = await askPatiently(this.bus, mailboxOf, { user_id: event.data.user_id }, DEADLINE_MS);
    await this.#mail(event, mailbox?.email, tx);
  }

  async #mail(event: Personal, recipient: string | undefined, tx: Tx): Promise<void> {
    const skipped = (reason: SkipReason) =>
      insertSkips(tx, [{ eventId: event.id, eventType: event.type, skips: [{ reason }] }]);
    if (recipient === undefined) return skipped('no_address');
    const channel = await firstEmailChannel(tx);
    if (!channel) {
      this.log.warn(
        { event_type: event.type, user_id: event.data.user_id },
        'somebody is to be told something by mail, and no email channel is enabled: add one',
      );
      return skipped('no_channel');
    }
    await storeDeliveries(tx, this.queue, [personalDelivery(event, channel, recipient)]);
  }
}
