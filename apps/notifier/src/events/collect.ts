import { newEventId } from '@lineclear/bus';
import type { Tx } from '@lineclear/kit';
import { addCollected, lockCollection } from '../db/collected.repo.js';
import { insertDeliveries } from '../db/deliveries.repo.js';
import type { Channel } from '../domain/channel.js';
import { collectionId, DIGEST_TYPE } from '../domain/digest.js';
import type { Message } from '../domain/message.js';
import type { Held } from '../domain/own-waits.js';
import { bodyOf, type AnyEvent } from './deliveries-of-event.js';

export interface Collector {
  readonly channel: Channel;
  readonly recipient: string;
  readonly person: NonNullable<Message['person']>;
  readonly held: Held;
  readonly waitSeconds: number;
}

/**
 * Adds an event to what one person is told of together, at one moment. The mail is a delivery as any other from the first
 * event on: it is sent once, and what it holds is read when it is. Nothing is added to one that somebody began to send.
 */
export async function collect(tx: Tx, event: AnyEvent, by: Collector): Promise<void> {
  const { channel, recipient, person, held, waitSeconds } = by;
  for (let turn = 0; ; turn += 1) {
    const collection = collectionId(person.user_id, held.why, held.until.toISOString(), turn);
    const id = newEventId();
    const data = { delivery_id: id, why: held.why };
    await insertDeliveries(tx, [
      {
        id,
        eventId: collection,
        eventType: DIGEST_TYPE,
        severity: 'info',
        channelId: channel.id,
        channelType: channel.type,
        recipient,
        userId: person.user_id,
        jobId: null,
        body: JSON.stringify({ type: DIGEST_TYPE, timestamp: held.until.toISOString(), data, person }),
        traceparent: event.traceparent ?? null,
        waitSeconds,
        waitsFor: held.why,
      },
    ]);
    const found = await lockCollection(tx, collection, channel.id, recipient);
    if (!found?.isOpen) continue;
    await addCollected(tx, found.id, event.id, bodyOf(event, person));
    return;
  }
}
