import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Ber, BerWriter, EqualityFilter, ExtensibleFilter, type BerReader, type Filter } from 'ldapts';
import { BIND, filterOf, nameOf, onMessages, SEARCH } from './ldap-messages.js';

const BASE = 'DC=corp,DC=com';
export const ANN = {
  dn: `CN=Ann Lee,OU=People,${BASE}`,
  password: 'correct horse',
  guid: Buffer.from('33221100554477668899aabbccddeeff', 'hex'),
  memberOf: `CN=Trainers,OU=Groups,${BASE}`,
  inChain: [`CN=Trainers,OU=Groups,${BASE}`, `CN=ML-Admins,OU=Groups,${BASE}`],
};
/** Somebody in more groups than are looked at. */
export const EVERYWHERE = { ...ANN, dn: `CN=Everywhere,OU=People,${BASE}` };
const MANY = Array.from({ length: 1_500 }, (_, index) => `CN=Group ${index},OU=Groups,${BASE}`);
export const SERVICE = { dn: 'svc-lineclear@corp.com', password: 'service password' };

export interface FakeActiveDirectory {
  readonly url: string;
  /** The filters of the searches so far, as the client wrote them. */
  readonly filters: string[];
  close(): Promise<void>;
}

/**
 * What Active Directory does and OpenLDAP does not: binds by a name that is no DN, lengths that always take four bytes, binary
 * ids, and the rule that follows membership by itself.
 */
export async function startFakeActiveDirectory(): Promise<FakeActiveDirectory> {
  const filters: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    onMessages(socket, (message) => {
      for (const answer of answersTo(message, filters)) socket.write(answer);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`,
    filters,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function answersTo(
  { id, operation, reader }: { id: number; operation: number | null; reader: BerReader },
  filters: string[],
): Buffer[] {
  if (operation === BIND) {
    const dn = nameOf(reader);
    const password = reader.readString(0x80) ?? '';
    const isRight = [SERVICE, ANN, EVERYWHERE].some((each) => each.dn === dn && each.password === password);
    return [result(id, 0x61, isRight ? 0 : 49)];
  }
  if (operation !== SEARCH) return [];
  const filter = filterOf(reader);
  if (filter === undefined)
    return [entry(id, '', { supportedCapabilities: '1.2.840.113556.1.4.800' }), result(id, 0x65, 0)];
  filters.push(filter.toString());
  return [...entriesFor(filter, id), result(id, 0x65, 0)];
}

function entriesFor(filter: Filter, id: number): Buffer[] {
  if (filter instanceof ExtensibleFilter && filter.rule === '1.2.840.113556.1.4.1941')
    return (filter.value === ANN.dn ? ANN.inChain : MANY).map((dn) => entry(id, dn, {}));
  if (filter instanceof EqualityFilter && filter.attribute.toLowerCase() === 'samaccountname') {
    const person = { alee: ANN, everywhere: EVERYWHERE }[String(filter.value).toLowerCase()];
    if (person === undefined) return [];
    const { guid, memberOf, dn } = person;
    return [entry(id, dn, { sAMAccountName: 'ALee', objectGUID: guid, memberOf, displayName: 'Ann Lee' })];
  }
  return [];
}

function entry(id: number, dn: string, attributes: Record<string, string | Buffer>): Buffer {
  return message(id, 0x64, (writer) => {
    writer.writeString(dn);
    writer.startSequence();
    for (const [name, value] of Object.entries(attributes)) {
      writer.startSequence();
      writer.writeString(name);
      writer.startSequence(0x31);
      writer.writeBuffer(Buffer.from(value as string), Ber.OctetString);
      writer.endSequence();
      writer.endSequence();
    }
    writer.endSequence();
  });
}

const result = (id: number, tag: number, code: number): Buffer =>
  message(id, tag, (writer) => {
    writer.writeEnumeration(code);
    writer.writeString('');
    writer.writeString(code === 49 ? '80090308: LdapErr: AcceptSecurityContext error, data 52e' : '');
  });

function message(id: number, tag: number, write: (writer: BerWriter) => void): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(tag);
  write(writer);
  writer.endSequence();
  writer.endSequence();
  const written = writer.buffer;
  const headLength = (written[1] ?? 0) < 0x80 ? 2 : 2 + ((written[1] ?? 0) & 0x7f);
  const content = written.subarray(headLength);
  const head = Buffer.from([0x30, 0x84, 0, 0, 0, 0]);
  head.writeUInt32BE(content.length, 2);
  return Buffer.concat([head, content]);
}
