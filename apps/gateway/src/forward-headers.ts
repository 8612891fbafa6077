import { randomFillSync, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Headers of one connection, which end here (RFC 9110, 7.6.1), and those undici writes by itself. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Said by the gateway alone: what a client sends under these names is a guess or a lie. */
const OURS = new Set([
  'expect',
  'host',
  'forwarded',
  'x-real-ip',
  'x-request-id',
  'traceparent',
  'tracestate',
  'content-length',
]);

/** As the services read it, so that one id holds all the way. */
const REQUEST_ID = /^[\w.-]{1,100}$/;
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;
const HOST = /^[\w.:[\]-]{1,260}$/;

/** The nearest ones count; a longer list is somebody's game. */
const MAX_CLAIMED_HOPS = 10;

const tokens = (connection: string): readonly string[] =>
  connection
    .toLowerCase()
    .split(',')
    .map((token) => token.trim());

const random = Buffer.alloc(24 * 128);
let used = random.length;

/** A new W3C trace, sampled: whether it is kept is for the services' exporters to say. */
function newTraceparent(): string {
  if (used === random.length) used = randomFillSync(random).length - random.length;
  const hex = random.toString('hex', used, (used += 24));
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`;
}

/** The caller's request id when it is one, else a new one. */
export const requestIdOf = (sent: string | string[] | undefined): string =>
  typeof sent === 'string' && REQUEST_ID.test(sent) ? sent : randomUUID();

export const isHost = (host: string): boolean => HOST.test(host);

/** The way a request came: what it claims, and last the hop that we see. The services know which claims to believe. */
function hopsOf(req: IncomingMessage): string {
  const peer = req.socket.remoteAddress ?? 'unknown';
  const seen = peer.startsWith('::ffff:') ? peer.slice(7) : peer;
  const claimed = [req.headers['x-forwarded-for'] ?? []].flat().join(', ');
  return claimed === '' ? seen : `${claimed.split(',').slice(-MAX_CLAIMED_HOPS).join(',')}, ${seen}`;
}

/** What a service is sent: the client's own headers, and ours in place of what only the trusted hop may say. */
export function requestHeaders(req: IncomingMessage, requestId: string): string[] {
  const raw = req.rawHeaders;
  const sent = req.headers;
  // Clients name only "keep-alive" or "close" here, so the list is nearly always empty.
  const named =
    sent.connection?.includes(',') === true ? tokens(sent.connection) : [sent.connection?.toLowerCase()];
  const out: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    if (HOP_BY_HOP.has(name) || OURS.has(name) || name.startsWith('x-forwarded-') || named.includes(name))
      continue;
    out.push(name, raw[i + 1] as string);
  }
  const trace = sent['traceparent'];
  if (typeof trace === 'string' && TRACEPARENT.test(trace)) {
    out.push('traceparent', trace);
    if (typeof sent['tracestate'] === 'string') out.push('tracestate', sent['tracestate']);
  } else {
    out.push('traceparent', newTraceparent());
  }
  const length = sent['content-length'];
  if (length !== undefined && length !== '0') out.push('content-length', length);
  out.push('x-request-id', requestId, 'x-forwarded-for', hopsOf(req));
  out.push('x-forwarded-proto', 'encrypted' in req.socket ? 'https' : 'http');
  if (sent.host) out.push('x-forwarded-host', sent.host);
  return out;
}

/** What the client is answered: the service's headers without those of its connection to us. */
export function responseHeaders(headers: IncomingHttpHeaders, requestId: string): string[] {
  const named = headers.connection === undefined ? [] : tokens(headers.connection);
  const out = ['x-request-id', requestId];
  for (const name in headers) {
    if (HOP_BY_HOP.has(name) || name === 'x-request-id' || named.includes(name)) continue;
    const value = headers[name];
    if (typeof value === 'string') out.push(name, value);
    else if (value !== undefined) for (const one of value) out.push(name, one);
  }
  return out;
}
