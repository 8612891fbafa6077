import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Ends the connections of a server on which nothing was ever sent (browsers and balancers keep some ready): to Node they are
 * not idle, but about to send headers, and a server that closes would wait for each until its time-out.
 */
export function silentConnections(server: Server): () => void {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return () => {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
  };
}
