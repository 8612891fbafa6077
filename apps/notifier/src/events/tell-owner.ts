import { Injectable } from '@nestjs/common';
import { mailboxOf } from '@lineclear/contracts';
import { askPatiently, Bus } from '@lineclear/bus';
import type { Tx } from '@lineclear/kit';
import { firstEmailChannel } from '../db/channels.repo.js';
import type { NewDelivery } from '../db/deliveries.repo.js';
import { OUTCOMES, ownerOf, whyNoNews } from '../domain/own-events.js';
import type { Skip } from '../domain/skips.js';
import { personalDelivery, type AnyEvent } from './deliveries-of-event.js';

const DEADLINE_MS = 2_000;

/** What the person is told, or is not, whom an event is about. */
export interface OwnNews {
  readonly delivery?: NewDelivery;
  readonly skip?: Skip;
}

/** Tells people what became of their own requests and jobs, at their own address. */
@Injectable()
export class TellOwner {
  constructor(private readonly bus: Bus) {}

  /** For each event that is about somebody. While auth does not answer, the events come again. */
  async newsOf(tx: Tx, events: readonly AnyEvent[]): Promise<ReadonlyMap<string, OwnNews>> {
    const owned = events.flatMap((event) => {
      const owner = OUTCOMES.includes(event.type) ? ownerOf(event) : undefined;
      return owner === undefined ? [] : [{ event, owner }];
    });
    if (owned.length === 0) return new Map();
    const channel = await firstEmailChannel(tx);
    const mailboxes = channel ? await this.#mailboxesOf(owned.map(({ owner }) => owner)) : new Map();
    return new Map(
      owned.map(({ event, owner }): [string, OwnNews] => {
        const skipped = (reason: Skip['reason']): [string, OwnNews] => [
          event.id,
          { skip: { user_id: owner, reason } },
        ];
        const known = whyNoNews(event);
        if (known) return skipped(known);
        if (!channel) return skipped('no_channel');
        const mailbox = mailboxes.get(owner);
        if (!mailbox) return skipped('no_address');
        const person = { user_id: owner, username: mailbox.username };
        return [event.id, { delivery: personalDelivery(event, channel, mailbox.email, person) }];
      }),
    );
  }

  async #mailboxesOf(people: readonly number[]) {
    const answers = await Promise.all(
      [...new Set(people)].map(async (user_id) => {
        const { mailbox } = await askPatiently(this.bus, mailboxOf, { user_id }, DEADLINE_MS);
        return [user_id, mailbox] as const;
      }),
    );
    return new Map(answers);
  }
}
