import { Injectable } from '@nestjs/common';
import { mailboxOf } from '@lineclear/contracts';
import { askPatiently, Bus } from '@lineclear/bus';
import type { Tx } from '@lineclear/kit';
import { openChannels } from '../db/channels.repo.js';
import type { NewDelivery } from '../db/deliveries.repo.js';
import { ownPreferencesOf } from '../db/own-preferences.repo.js';
import { ownerOf } from '../domain/own-events.js';
import { decideOn } from '../domain/own-news.js';
import type { Skip, SkipReason } from '../domain/skips.js';
import { personalDelivery, type AnyEvent } from './deliveries-of-event.js';
import { OwnTiming, skipOf } from './own-timing.js';

const DEADLINE_MS = 2_000;

/** What the person is told, or is not, whom an event is about. */
export interface OwnNews {
  readonly delivery?: NewDelivery;
  readonly skip?: Skip;
}

/** Tells people what is about themselves, as they want it, at their own address. */
@Injectable()
export class TellOwner {
  constructor(
    private readonly bus: Bus,
    private readonly timing: OwnTiming,
  ) {}

  /** For each event that is about somebody who wants to hear of it. While auth does not answer, the events come again. */
  async newsOf(tx: Tx, events: readonly AnyEvent[]): Promise<ReadonlyMap<string, OwnNews>> {
    const owned = events.flatMap((event) => {
      const owner = ownerOf(event);
      return owner === undefined ? [] : [{ event, owner }];
    });
    if (owned.length === 0) return new Map();
    const preferences = await ownPreferencesOf(
      tx,
      owned.map(({ owner }) => owner),
    );
    const decided = owned.flatMap(({ event, owner }) => {
      const decision = decideOn(event, owner, preferences.get(owner) ?? []);
      return decision ? [{ event, owner, decision }] : [];
    });
    const told = decided.filter(({ decision }) => decision.tell).map(({ owner }) => owner);
    const channels = told.length === 0 ? [] : await openChannels(tx);
    const mailboxes = channels.length === 0 ? new Map() : await this.#mailboxesOf(told);
    const heldFor = await this.timing.of(tx, told);
    const news = decided.map(({ event, owner, decision }): [string, OwnNews] => {
      const skipped = (reason: SkipReason): [string, OwnNews] => [
        event.id,
        { skip: { user_id: owner, reason } },
      ];
      if (!decision.tell) return skipped(decision.reason);
      const channel = channels.find(({ id }) => id === decision.wish.channelId) ?? channels[0];
      if (!channel) return skipped('no_channel');
      const mailbox = mailboxes.get(owner);
      if (!mailbox) return skipped('no_address');
      const person = { user_id: owner, username: mailbox.username };
      const held = heldFor(owner, event.type);
      const delivery = personalDelivery(
        event,
        channel,
        mailbox.email,
        person,
        held && this.timing.waitOf(held),
      );
      return [event.id, { delivery, ...(held ? { skip: skipOf(owner, held) } : {}) }];
    });
    return new Map(news);
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
