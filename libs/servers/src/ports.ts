import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Can this port of the loopback be listened on right now? */
export function isFree(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const probe = createServer();
    probe.once('error', () => answer(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => answer(true)));
  });
}

/**
 * A free port of the loopback, below the range that outgoing connections draw from: a client that keeps knocking at a
 * stopped server on an outgoing port can connect to itself and then hold that port against the server's return.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = randomInt(15_000, 32_000);
    if (await isFree(port)) return port;
  }
  throw new Error('no free port found between 15000 and 32000 on 127.0.0.1');
}
