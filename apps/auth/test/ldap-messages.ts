import type { Socket } from 'node:net';
import { BerReader, FilterParser, type Filter } from 'ldapts';

export const BIND = 0x60;
export const SEARCH = 0x63;

/** Hears each LDAP message that comes in on a connection, read as far as the kind of what is asked. */
export function onMessages(
  socket: Socket,
  hear: (message: { id: number; operation: number | null; reader: BerReader }) => void,
): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    pending = Buffer.concat([pending, bytes]);
    for (;;) {
      const reader = new BerReader(pending);
      if (reader.readSequence() === null || reader.remain < reader.length) return;
      const end = reader.offset + reader.length;
      const id = reader.readInt() ?? 0;
      hear({ id, operation: reader.readSequence(), reader });
      pending = pending.subarray(end);
    }
  });
}

/** Who wants to log in with a bind. */
export function nameOf(reader: BerReader): string {
  reader.readInt();
  return reader.readString() ?? '';
}

/** The filter of a search; undefined for "is there any", which the parser reads wrongly. */
export function filterOf(reader: BerReader): Filter | undefined {
  reader.readString();
  for (const _ of ['scope', 'deref']) reader.readEnumeration();
  for (const _ of ['sizeLimit', 'timeLimit']) reader.readInt();
  reader.readBoolean();
  return reader.peek() === 0x87 ? undefined : FilterParser.parse(reader);
}
