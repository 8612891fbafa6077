import { z } from 'zod';

/** What every event carries around its data: CloudEvents 1.0 with the `sequence` and `traceparent` extensions. */
const envelope = z.object({
  specversion: z.literal('1.0'),
  /** Unique. A message with one event has its id, which is JetStream's message id and every consumer's idempotency key. */
  id: z.uuid(),
  source: z.string().min(1).max(64),
  time: z.iso.datetime(),
  /** The aggregate the event is about, e.g. `job/job_0190…`. */
  subject: z.string().min(1).max(160),
  /** The aggregate's version after the change, where it has one. */
  sequence: z.int().min(0).optional(),
  traceparent: z.string().max(64).optional(),
});

/** Declares an event: its name, its NATS subject, and the schema of its whole envelope with `data` inside. */
export function defineEvent<const Name extends string, Data extends z.ZodType>(name: Name, data: Data) {
  return {
    name,
    subject: `lineclear.${name}` as const,
    data,
    schema: envelope.extend({ type: z.literal(name), data }),
  };
}

/** The events of a message's body, unchecked: one, or an array of several of the same kind. @throws SyntaxError when it is not JSON */
export function eventsIn(body: string): unknown[] {
  const parsed: unknown = JSON.parse(body);
  return Array.isArray(parsed) ? parsed : [parsed];
}

export type EventDef = ReturnType<typeof defineEvent<string, z.ZodType>>;
/** The parsed event a handler receives. */
export type EventOf<D extends EventDef> = z.infer<D['schema']>;
/** The data a publisher gives; the bus adds the rest of the envelope. */
export type EventData<D extends EventDef> = z.input<D['data']>;
