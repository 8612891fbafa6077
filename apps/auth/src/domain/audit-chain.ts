/** What the log holds of one thing that was done or refused. Each name is a column's. */
export interface AuditEntry {
  readonly event_id: string;
  /** To the microsecond, in UTC, exactly as the database gives it back. */
  readonly at: string;
  readonly service: string;
  readonly action: string;
  readonly outcome: string;
  readonly by: string;
  readonly user_id: number | null;
  readonly username: string | null;
  readonly via: string | null;
  readonly credential_id: number | null;
  readonly address: string | null;
  readonly request_id: string | null;
  readonly target: string | null;
  /** JSON, as text: what is proved is what was written. */
  readonly details: string;
  readonly count: number;
}

/** An entry in its place: `mac` is over all the other fields, and so over the one before it. */
export interface AuditRow extends AuditEntry {
  readonly seq: number;
  readonly previous_mac: string;
  readonly mac: string;
}

/** A place in the chain. */
export interface Link {
  readonly seq: number;
  readonly mac: string;
}

/** A place in the chain that was vouched for: where it ended, or from where on it is kept. */
export interface SignedLink extends Link {
  readonly at: string;
  readonly signature: string;
}

/** A keyed hash, in hex. */
export type Mac = (text: string) => string;

export interface Fault {
  readonly seq: number;
  readonly what: string;
}

/** What the first entry of all follows. */
export const GENESIS: Link = { seq: 0, mac: '0'.repeat(64) };

/** JSON with the keys of every object in order (RFC 8785): one text for one value. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    // By UTF-16 code units, as the standard wants it; no two keys are equal.
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** What is null is left out: a column that comes later leaves the old entries as they were proved. */
const provable = (row: Omit<AuditRow, 'mac'>): string =>
  canonicalJson(
    Object.fromEntries(Object.entries(row).filter(([name, value]) => name !== 'mac' && value !== null)),
  );

/** Puts entries into the chain, behind `last`. */
export function chained(entries: readonly AuditEntry[], last: Link, mac: Mac): AuditRow[] {
  let before = last;
  return entries.map((entry) => {
    const row = { ...entry, seq: before.seq + 1, previous_mac: before.mac };
    before = { seq: row.seq, mac: mac(provable(row)) };
    return { ...row, mac: before.mac };
  });
}

export const signed = ({ seq, mac }: Link, at: string, sign: Mac): SignedLink => ({
  seq,
  mac,
  at,
  signature: sign(canonicalJson({ seq, mac, at })),
});

export const isSigned = (link: SignedLink, sign: Mac): boolean =>
  signed(link, link.at, sign).signature === link.signature;

/** The entry before the next that is looked at; its mac is unknown where it is missing. */
export interface Before {
  readonly seq: number;
  readonly mac: string | undefined;
}

/** What is wrong with entries that should follow one another, and `before`; and what the next ones must follow. */
export function faultsOf(
  rows: readonly AuditRow[],
  before: Before,
  mac: Mac,
): { readonly faults: Fault[]; readonly last: Before } {
  const faults: Fault[] = [];
  let last = before;
  for (const row of rows) {
    const { seq } = row;
    if (seq > last.seq + 1) faults.push(missing(last.seq + 1, seq - 1));
    else if (seq <= last.seq) faults.push({ seq, what: 'is there twice, or out of order' });
    else if (last.mac !== undefined && row.previous_mac !== last.mac)
      faults.push({ seq, what: 'does not follow the entry before it' });
    if (mac(provable(row)) !== row.mac) faults.push({ seq, what: 'is not as it was written' });
    last = { seq: Math.max(seq, last.seq), mac: row.mac };
  }
  return { faults, last };
}

export const missing = (from: number, to: number): Fault => ({
  seq: from,
  what: from === to ? 'is missing' : `is missing, and all up to ${to}`,
});

/** What is wrong with where the chain ends: `last` is the last entry that is there. */
export function faultsOfEnd(last: Before, head: SignedLink | undefined, sign: Mac): Fault[] {
  if (!head) return last.seq === 0 ? [] : [{ seq: last.seq, what: 'no head is kept that names it' }];
  if (!isSigned(head, sign)) return [{ seq: head.seq, what: 'is named by a head that was not signed here' }];
  return faultsOfHead(last, head);
}

/** What is wrong with the end of a chain by a head that somebody kept of it, when it was as long or shorter. */
export function faultsOfHead(last: Before, head: Link): Fault[] {
  if (head.seq > last.seq) return [missing(last.seq + 1, head.seq)];
  if (head.seq === last.seq) return faultsOfKept(last, head);
  return [{ seq: head.seq + 1, what: 'is there, but the head knows nothing of it' }];
}

/** What is wrong with an entry by a head that named it when it was the last. */
export const faultsOfKept = ({ seq, mac }: Before, kept: Link): Fault[] =>
  mac === undefined || mac === kept.mac ? [] : [{ seq, what: 'is not the entry that a kept head names' }];
