/** What a mail server says became of a mail (RFC 3464). */
export interface DeliveryReport {
  /** Whether it will never arrive: a delay may end yet. */
  readonly isFinal: boolean;
  /** As the other server put it, in one line. */
  readonly diagnostic: string;
}

const MAX_DIAGNOSTIC = 500;

/** Reads the part of a bounce that is for programs; undefined where it says of nobody what became of the mail. */
export function readDeliveryReport(text: string): DeliveryReport | undefined {
  // One group of fields for the message, one for each recipient; ours have one.
  const groups = text
    .replaceAll(/\r?\n(?=[ \t])/gu, ' ')
    .split(/\r?\n\s*\r?\n/u)
    .map(fieldsOf);
  const found = groups.find((fields) => fields.has('action'));
  if (!found) return undefined;
  const status = found.get('status') ?? '';
  const action = (found.get('action') ?? '').toLowerCase();
  const said = (found.get('diagnostic-code') ?? '').replace(/^[\w-]+\s*;\s*/u, '');
  return {
    isFinal: /^failed\b/u.test(action) && /^5\.\d{1,3}\.\d{1,3}/u.test(status),
    diagnostic: `${status} ${said}`
      .replaceAll(/[\p{Cc}\s]+/gu, ' ')
      .trim()
      .slice(0, MAX_DIAGNOSTIC),
  };
}

/** The id of our own mail, where a bounce hands its header back. */
export const returnedMessageId = (text: string): string | undefined =>
  fieldsOf(text.replaceAll(/\r?\n(?=[ \t])/gu, ' ')).get('message-id');

/** The first of each name. */
function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/u)) {
    const [, name, value] = /^([!-9;-~]+):\s*(.*)$/u.exec(line) ?? [];
    if (name !== undefined && value !== undefined && !fields.has(name.toLowerCase()))
      fields.set(name.toLowerCase(), value.trim());
  }
  return fields;
}
