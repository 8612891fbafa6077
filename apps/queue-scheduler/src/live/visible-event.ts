import { eventsIn } from '@lineclear/contracts';

// What is for the services only: how a run is fenced, what it is given, what rules look at.
const INTERNAL = new Set(['claim_id', 'config', 'secrets', 'facts']);

/** An event as people see it. */
export interface LiveEvent {
  /** Its place on the stream: where to go on from after a break. */
  readonly place: number;
  readonly type: string;
  readonly jobId: string;
  /** Whose job it is about; undefined when the event does not say. */
  readonly userId: number | undefined;
  /** The lines of the server-sent event. */
  readonly frame: string;
}

// More than a message holds events.
const PLACES_OF_A_MESSAGE = 1_000;

/** The first message of the stream that may have something after this place. */
export const messageAfter = (place: number): number => Math.max(1, Math.floor(place / PLACES_OF_A_MESSAGE));

/** Reads those events of a message that are about a job. */
export function visibleEvents(sequence: number, body: string): LiveEvent[] {
  return eventsIn(body).flatMap((raw, index) => {
    const event = raw as { id: string; type: string; time: string; data: Record<string, unknown> };
    const { job_id: jobId, user_id: userId } = event.data;
    if (typeof jobId !== 'string') return [];
    const place = sequence * PLACES_OF_A_MESSAGE + index;
    const data = Object.fromEntries(Object.entries(event.data).filter(([name]) => !INTERNAL.has(name)));
    const shown = JSON.stringify({ id: event.id, type: event.type, time: event.time, data });
    return [
      {
        place,
        type: event.type,
        jobId,
        userId: typeof userId === 'number' ? userId : undefined,
        frame: `id: ${place}\nevent: ${event.type}\ndata: ${shown}\n\n`,
      },
    ];
  });
}
