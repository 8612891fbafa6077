import type { Socket } from 'node:net';
import { BadInput, HeadersTooLarge, TooSlow, type AppError } from './errors.js';
import { PROBLEM_TYPE, problemOf } from './problem.js';

/** What a connection may cost before there is a route to say otherwise. Bodies have their limit in body.ts. */
export interface HttpLimits {
  readonly headerBytes: number;
  readonly headers: number;
  /** Until all headers have come, beginning with the connection. */
  readonly headersMs: number;
  /** Until the request has come whole; an answer may take as long as it likes. */
  readonly requestMs: number;
  /** How often connections are looked at for the two above. */
  readonly lookEveryMs: number;
}

/** A little more than the gateway lets through, which adds headers of its own. */
export const HTTP_LIMITS: HttpLimits = {
  headerBytes: 20 * 1_024,
  headers: 120,
  headersMs: 15_000,
  requestMs: 30_000,
  lookEveryMs: 5_000,
};

const FAULTS: Readonly<Record<string, () => AppError>> = {
  HPE_HEADER_OVERFLOW: () => new HeadersTooLarge('the headers are larger than what is read of them'),
  ERR_HTTP_REQUEST_TIMEOUT: () => new TooSlow('the request did not come in time'),
};

/** Bytes that never became a request still get an answer in the form of all others. */
export function refuseBytes(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const fault =
    FAULTS[error.code ?? '']?.() ?? BadInput.at('', 'this is not an HTTP request that can be read');
  const problem = problemOf(fault);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'x-content-type-options: nosniff',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
