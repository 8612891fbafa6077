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
import type { Silencer } from '../routing/current-routes.js';
import { collect } from './collect.js';
import { OwnTiming, skipOf } from './own-timing.js';

const DEADLINE_MS = 2_000;

/** What the person is told, or is not, whom an event is about. */
export interface OwnNews {
  /** The address where they are told, now or later. */
  readonly recipient?: string;
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
  async newsOf(
    tx: Tx,
    events: readonly AnyEvent[],
    silencer: Silencer,
  ): Promise<ReadonlyMap<string, OwnNews>> {
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
    const timing = await this.timing.of(tx, told);
    const news = new Map<string, OwnNews>();
    // One after the other: what is told counts for what comes behind it. By person, as their locks are then taken in one order.
    for (const { event, owner, decision } of decided.toSorted((a, b) => a.owner - b.owner)) {
      const skipped = (reason: SkipReason) => news.set(event.id, { skip: { user_id: owner, reason } });
      if (!decision.tell) {
        skipped(decision.reason);
        continue;
      }
      const channel = channels.find(({ id }) => id === decision.wish.channelId) ?? channels[0];
      const mailbox = mailboxes.get(owner);
      if (!channel || !mailbox) {
        skipped(channel ? 'no_address' : 'no_channel');
        continue;
      }
      const silence_id = silencer(event, channel.id);
      if (silence_id !== undefined) {
        news.set(event.id, { skip: { user_id: owner, reason: 'silenced', silence_id } });
        continue;
      }
      const { email: recipient, username } = mailbox;
      const person = { user_id: owner, username };
      const when = await timing.when(owner, event.type, decision.wish, preferences.get(owner) ?? []);
      if (when.how === 'now') {
        news.set(event.id, { recipient, delivery: personalDelivery(event, channel, recipient, person) });
        continue;
      }
      const { held } = when;
      const skip = skipOf(owner, held);
      const wait = timing.waitOf(held);
      if (when.how === 'together') {
        await collect(tx, event, { channel, recipient, person, held, waitSeconds: wait.waitSeconds });
        news.set(event.id, { recipient, skip });
      } else {
        const delivery = personalDelivery(event, channel, recipient, person, wait);
        news.set(event.id, { recipient, skip, delivery });
      }
    }
    return news;
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
