import type { Owner } from '@lineclear/access';
import { eventsIn } from '@lineclear/contracts';
import { z } from 'zod';

// What is for the services only: how a run is fenced, what it is given, what rules look at.
const INTERNAL = new Set(['claim_id', 'config', 'secrets', 'facts']);

/** An event as people see it. */
export interface LiveEvent {
  /** Its place on the stream: where to go on from after a break. */
  readonly place: number;
  readonly type: string;
  readonly jobId: string;
  /** Whose job it is about; undefined when the event does not say. */
  readonly owner: Owner | undefined;
  /** The lines of the server-sent event. */
  readonly frame: string;
}

// More than a message holds events.
const PLACES_OF_A_MESSAGE = 1_000;

/** The first message of the stream that may have something after this place. */
export const messageAfter = (place: number): number => Math.max(1, Math.floor(place / PLACES_OF_A_MESSAGE));

// Of any kind, from any release.
const aboutJob = z.object({
  id: z.string(),
  type: z.string(),
  time: z.string(),
  data: z.looseObject({ job_id: z.string(), user_id: z.number().optional(), org_id: z.number().optional() }),
});

/** Reads those events of a message that are about a job. One that is broken has no place among them: it would end the reading. */
export function visibleEvents(sequence: number, body: string): LiveEvent[] {
  return eventsOrNone(body).flatMap((raw, index) => {
    const { data: event } = aboutJob.safeParse(raw);
    if (!event) return [];
    const { job_id: jobId, user_id: userId, org_id: orgId = null } = event.data;
    const place = sequence * PLACES_OF_A_MESSAGE + index;
    const data = Object.fromEntries(Object.entries(event.data).filter(([name]) => !INTERNAL.has(name)));
    const shown = JSON.stringify({ id: event.id, type: event.type, time: event.time, data });
    return [
      {
        place,
        type: event.type,
        jobId,
        owner: userId === undefined ? undefined : { userId, orgId },
        frame: `id: ${place}\nevent: ${event.type}\ndata: ${shown}\n\n`,
      },
    ];
  });
}

function eventsOrNone(body: string): unknown[] {
  try {
    return eventsIn(body);
  } catch {
    return [];
  }
}
