/** What services tell each other in an event but nobody outside needs. */
export const INTERNAL_FIELDS: readonly string[] = ['facts', 'claim_id'];

export interface Message {
  readonly type: string;
  /** When it happened, ISO 8601. */
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Whom it was made for, where it is for one person alone. */
  readonly person?: { readonly user_id: number; readonly username: string };
}

/** What the outside is told of an event: the body of a webhook, and what a mail is made of. */
export function messageOf(event: { type: string; time: string; data: object }): Message {
  const data = Object.fromEntries(
    Object.entries(event.data).filter(([key]) => !INTERNAL_FIELDS.includes(key)),
  );
  return { type: event.type, timestamp: event.time, data };
}
