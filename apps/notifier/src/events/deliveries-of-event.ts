import { newEventId } from '@lineclear/bus';
import type { Tx } from '@lineclear/kit';
import { scheduleOf, type Config } from '../config.js';
import { insertDeliveries, type NewDelivery } from '../db/deliveries.repo.js';
import type { Channel } from '../domain/channel.js';
import { kindOf } from '../domain/event-catalogue.js';
import { messageOf, type Message } from '../domain/message.js';
import { waitBefore } from '../domain/retry.js';
import type { OwnWait } from '../domain/own-waits.js';
import type { Route } from '../domain/routes.js';
import type { DeliveryQueue } from '../jobs/delivery-queue.js';

export interface AnyEvent {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly traceparent?: string | undefined;
  readonly data: object;
}

const common = (event: AnyEvent) => ({
  id: newEventId(),
  eventId: event.id,
  eventType: event.type,
  severity: kindOf(event.type).severity,
  traceparent: event.traceparent ?? null,
});

/** One for each that wants to hear of it. */
export function announcementsOf(event: AnyEvent, routes: readonly Route[], config: Config): NewDelivery[] {
  const body = JSON.stringify(messageOf(event));
  return routes.map((route) => ({
    ...common(event),
    ...route,
    jobId: jobOf(event),
    body,
    waitSeconds: waitBefore(1, scheduleOf(config, route.channelType), Math.random()) ?? 0,
  }));
}

/** An event as one person is told of it. */
export const bodyOf = (event: AnyEvent, person: Message['person']): string =>
  JSON.stringify({ ...messageOf(event), person });

/** For one person alone, at their own address. */
export const personalDelivery = (
  event: AnyEvent,
  channel: Channel,
  recipient: string,
  person?: Message['person'],
  held?: { readonly waitsFor: OwnWait; readonly waitSeconds: number },
): NewDelivery => ({
  ...common(event),
  channelId: channel.id,
  channelType: channel.type,
  recipient,
  userId: person?.user_id,
  jobId: jobOf(event),
  body: bodyOf(event, person),
  // Somebody waits for it.
  waitSeconds: 0,
  ...held,
});

export async function storeDeliveries(
  tx: Tx,
  queue: DeliveryQueue,
  deliveries: readonly NewDelivery[],
): Promise<void> {
  if (deliveries.length === 0) return;
  const channelIds = await insertDeliveries(tx, deliveries);
  tx.afterCommit(() => queue.hint(channelIds));
}

const jobOf = ({ data }: AnyEvent): string | null => (data as { job_id?: string }).job_id ?? null;
