import type { Owner } from '@lineclear/access';
import { eventsIn } from '@lineclear/contracts';
import { z } from 'zod';
import { eventId, placeOf } from './event-id.js';

// What is for the services only: how a run is fenced, what it is given, what rules look at.
const INTERNAL = new Set(['claim_id', 'config', 'secrets', 'facts']);

/** An event as people see it. */
export interface VisibleEvent {
  readonly at: number;
  readonly jobId: string;
  /** Whose job it is about; undefined when the event does not say. */
  readonly owner: Owner | undefined;
  /** The server-sent event, made once for all who may see it. */
  readonly frame: Buffer;
}

// Of any kind, from any release.
const aboutJob = z.object({
  id: z.string(),
  type: z.string(),
  time: z.string(),
  data: z.looseObject({ job_id: z.string(), user_id: z.number().optional(), org_id: z.number().optional() }),
});

/** Reads those events of a message that are about a job. One that is broken has no place among them: it would end the reading. */
export function visibleEvents(life: string, sequence: number, body: string): VisibleEvent[] {
  return eventsOrNone(body).flatMap((raw, index) => {
    const { data: event } = aboutJob.safeParse(raw);
    if (!event) return [];
    const { job_id: jobId, user_id: userId, org_id: orgId = null } = event.data;
    const at = placeOf(sequence, index);
    const data = Object.fromEntries(Object.entries(event.data).filter(([name]) => !INTERNAL.has(name)));
    const shown = JSON.stringify({ id: event.id, type: event.type, time: event.time, data });
    return [
      {
        at,
        jobId,
        owner: userId === undefined ? undefined : { userId, orgId },
        frame: Buffer.from(`id: ${eventId(life, at)}\nevent: ${event.type}\ndata: ${shown}\n\n`),
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
