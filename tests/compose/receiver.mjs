// Prints each webhook as one line of JSON: the test reads them from this container's log and verifies them.
import { createServer } from 'node:http';

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    console.log(JSON.stringify({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') }));
    response.writeHead(204).end();
  });
}).listen(9000);
