import { newEventId } from './event-id.js';

/** What goes to the stream as one message: an event, or several of one kind that were committed together (a JSON array). */
export interface OutboxMessage {
  /** The event's own id, or one that only the message has. The stream and each inbox take it once. */
  readonly id: string;
  readonly subject: string;
  readonly body: string;
}

/** An event as it is written. */
export interface WrittenEvent {
  readonly id: string;
  readonly subject: string;
  /** The aggregate whose events must stay in order. */
  readonly about: string;
  readonly body: string;
}

/** How many events share a message at most. */
export const MAX_PACKED = 100;
// With its row's other columns just under what Postgres keeps in one page: a larger row costs it several others.
const MAX_PACKED_BYTES = 7_800;

interface Pack {
  readonly subject: string;
  readonly events: WrittenEvent[];
  bytes: number;
}

/** Puts events into few messages. Those about one aggregate are read in the order in which they are given. */
export function pack(events: readonly WrittenEvent[]): OutboxMessage[] {
  const packs: Pack[] = [];
  const newest = new Map<string, number>();
  const lastOf = new Map<string, number>();
  for (const event of events) {
    const bytes = Buffer.byteLength(event.body) + 1;
    let index = newest.get(event.subject) ?? -1;
    const found = packs[index];
    const fits =
      found &&
      found.events.length < MAX_PACKED &&
      found.bytes + bytes <= MAX_PACKED_BYTES &&
      index >= (lastOf.get(event.about) ?? 0);
    if (fits) {
      found.events.push(event);
      found.bytes += bytes;
    } else {
      index = packs.push({ subject: event.subject, events: [event], bytes }) - 1;
      newest.set(event.subject, index);
    }
    lastOf.set(event.about, index);
  }
  return packs.map(messageOf);
}

function messageOf({ subject, events }: Pack): OutboxMessage {
  const [first] = events;
  if (first && events.length === 1) return { id: first.id, subject, body: first.body };
  return { id: newEventId(), subject, body: `[${events.map(({ body }) => body).join(',')}]` };
}
