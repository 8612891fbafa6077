// What followers of events cost at least: Node's own HTTP, which writes the same bytes to every connection and knows nothing.
import { createServer } from 'node:http';

const open = new Set();
const server = createServer((request, response) => {
  if (request.method === 'POST') {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const frame = Buffer.concat(parts);
      for (const one of open) one.write(frame);
      response.writeHead(204).end();
    });
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('retry: 2000\n\n');
  open.add(response);
  response.once('close', () => open.delete(response));
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
