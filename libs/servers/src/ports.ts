import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { createServer } from 'node:net';

/** Can this port of the loopback be listened on right now? */
export function isFree(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const probe = createServer();
    probe.once('error', () => answer(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => answer(true)));
  });
}

/** Keeps a port's number for this process, until it ends: undefined where another has done so. */
function reserve(port: number): Promise<Socket | undefined> {
  return new Promise((answer) => {
    // Over UDP, where nothing of ours listens: the kernel gives a number to one process, and takes it back from a dead one.
    const socket = createSocket('udp4').unref();
    socket.once('error', () => socket.close(() => answer(undefined)));
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => answer(socket));
  });
}

/**
 * A free port of the loopback, which nobody else who asks here is given while this process lives: what it is for may listen
 * much later. From `from` on, below `to`: below the range that outgoing connections draw from, because a client that keeps
 * knocking at a stopped server on an outgoing port can connect to itself and then hold that port against the server's return.
 */
export async function freePort(from = 15_000, to = 32_000): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = randomInt(from, to);
    const reserved = await reserve(port);
    if (reserved && (await isFree(port))) return port;
    reserved?.close();
  }
  throw new Error(`no free port found between ${from} and ${to} on 127.0.0.1`);
}
