// What is for the services only: how a run is fenced, what it is given, what rules look at.
const INTERNAL = new Set(['claim_id', 'config', 'secrets', 'facts']);

/** An event as people see it. */
export interface LiveEvent {
  /** Its place on the stream: where to go on from after a break. */
  readonly sequence: number;
  readonly type: string;
  readonly jobId: string;
  /** Whose job it is about; undefined when the event does not say. */
  readonly userId: number | undefined;
  /** The lines of the server-sent event. */
  readonly frame: string;
}

/** Reads an event of the stream, if it is about a job. */
export function visibleEvent(sequence: number, body: string): LiveEvent | undefined {
  const event = JSON.parse(body) as { id: string; type: string; time: string; data: Record<string, unknown> };
  const { job_id: jobId, user_id: userId } = event.data;
  if (typeof jobId !== 'string') return undefined;
  const data = Object.fromEntries(Object.entries(event.data).filter(([name]) => !INTERNAL.has(name)));
  const shown = JSON.stringify({ id: event.id, type: event.type, time: event.time, data });
  return {
    sequence,
    type: event.type,
    jobId,
    userId: typeof userId === 'number' ? userId : undefined,
    frame: `id: ${sequence}\nevent: ${event.type}\ndata: ${shown}\n\n`,
  };
}
