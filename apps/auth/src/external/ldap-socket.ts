import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { BerReader } from 'ldapts';
import type { DirectoryServer } from './ldap-config.js';

const START_TLS_OID = '1.3.6.1.4.1.1466.20037';
// LDAPMessage { messageID 1, ExtendedRequest { requestName } }.
const START_TLS = Buffer.concat([Buffer.from('301d02010177188016', 'hex'), Buffer.from(START_TLS_OID)]);
const EXTENDED_RESPONSE = 0x78;
const MAX_ANSWER_BYTES = 65_536;

/** The directory could not be asked, which says nothing about the person who wants in. */
export class NoDirectory extends Error {}

/** Ends something when the signal says so or the time is over; the answer calls it off. */
export function endInTime(signal: AbortSignal, ms: number, end: (reason: NoDirectory) => void): () => void {
  const late = (): void => end(new NoDirectory('no answer in time'));
  const timer = setTimeout(late, ms);
  signal.addEventListener('abort', late, { once: true });
  if (signal.aborted) late();
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', late);
  };
}

/**
 * A connection to a server, encrypted and its certificate checked as the server's settings want it, before anything secret is
 * said. StartTLS is done here and not by the client, whose parser would carry bytes that came before the encryption over
 * into it: whoever stands between could so begin an answer that the true server's bytes complete.
 */
export async function openSocket(
  server: DirectoryServer,
  tls: { readonly ca: string | undefined },
  time: { readonly signal: AbortSignal; readonly ms: number },
): Promise<Socket> {
  let socket = connect({ host: server.host, port: server.port, noDelay: true, keepAlive: true });
  // Whoever waits hears of an error by the event; between two waits it must not end the process.
  socket.on('error', () => undefined);
  const callOff = endInTime(time.signal, time.ms, (reason) => socket.destroy(reason));
  try {
    await once(socket, 'connect');
    if (server.security === 'none') return socket;
    if (server.security === 'start_tls') await startTls(socket);
    socket = connectTls({ ...checked(server, tls.ca), socket });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    callOff();
  }
}

function checked(server: DirectoryServer, ca: string | undefined): ConnectionOptions {
  return {
    // Said although it is the default: the environment can turn the default off for a whole process.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    host: server.host,
    ...(isIP(server.host) === 0 ? { servername: server.host } : {}),
    ...(ca === undefined ? {} : { ca }),
  };
}

async function startTls(socket: Socket): Promise<void> {
  socket.write(START_TLS);
  let answer = Buffer.alloc(0);
  for (;;) {
    const [bytes] = (await Promise.race([once(socket, 'data'), closed(socket)])) as [Buffer];
    answer = Buffer.concat([answer, bytes]);
    const reader = new BerReader(answer);
    const isWhole = reader.readSequence() !== null && reader.remain >= reader.length;
    if (!isWhole && answer.length <= MAX_ANSWER_BYTES) continue;
    if (!isWhole || reader.remain > reader.length)
      throw new NoDirectory('it says more than an answer to StartTLS');
    const isOurs =
      reader.readInt() === 1 && reader.peek() === EXTENDED_RESPONSE && reader.readSequence() !== null;
    const code = isOurs ? reader.readEnumeration() : null;
    if (code !== 0) throw new NoDirectory(`it refuses StartTLS with code ${code ?? 'unknown'}`);
    return;
  }
}

async function closed(socket: Socket): Promise<never> {
  await once(socket, 'close');
  throw new NoDirectory('it closed the connection');
}
