import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { Dispatcher } from 'undici';
import { requestHeaders, responseHeaders } from './forward-headers.js';
import type { Metrics } from './metrics.js';
import { problem, sendProblem, type ProblemCode } from './problem.js';
import type { Route } from './routes.js';
import type { securityHeaders } from './security-headers.js';
import { codeOf, explain, type Upstreams } from './upstreams.js';

const BODY_TIMEOUT_MS = 60_000;
/** Bodies of a known length up to this are read whole first: cheaper, and a slow sender then holds no service's connection. */
const READ_WHOLE_BYTES = 64 * 1024;
/** How long a client may go on sending a body whose answer is already out; closing at once would lose it the answer. */
const LINGER_MS = 10_000;

/** Nothing was sent to the service, so the caller may simply try again. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
]);

type Answer = ServerResponse & { req: IncomingMessage };
type Body = Buffer | AsyncIterable<Buffer> | null;

/**
 * The request's body, chunk by chunk. Ending early leaves the client's socket open: the answer has yet to go out on it.
 *
 * A service that refuses a body (413) answers and closes while we still write, and one write to the closed socket throws
 * the unread answer away. So we write rarely and just after a read: a pause, then the turn of the event loop that reads.
 * Without this nearly every such answer was lost, with it one in six hundred; a chunk is 64 KB, so 60 MB/s still pass.
 */
async function* chunks(req: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      await pause(1);
      await turn();
      yield chunk as Buffer;
    }
  } finally {
    req.resume();
  }
}

function readWhole(req: IncomingMessage, done: (body: Buffer) => void): void {
  const parts: Buffer[] = [];
  req.on('data', (part: Buffer) => parts.push(part));
  req.on('end', () => done(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)));
}

function withBody(req: IncomingMessage, go: (body: Body) => void): void {
  const length = req.headers['content-length'];
  if (req.headers['transfer-encoding'] === undefined && (length === undefined || length === '0'))
    return go(null);
  if (length !== undefined && Number(length) <= READ_WHOLE_BYTES) return readWhole(req, go);
  go(chunks(req));
}

function linger(req: IncomingMessage): void {
  if (req.complete || req.socket.destroyed) return;
  req.resume();
  const timer = setTimeout(() => req.socket.destroy(), LINGER_MS).unref();
  req.once('close', () => clearTimeout(timer));
}

/** One request on its way: undici calls it as the service's answer comes in. */
class Passage implements Dispatcher.DispatchHandler {
  #controller: Dispatcher.DispatchController | undefined;
  #gone = false;
  #onDrain: (() => void) | undefined;

  constructor(
    private readonly res: Answer,
    private readonly secure: ReturnType<typeof securityHeaders>,
    private readonly requestId: string,
    private readonly route: Route,
    private readonly closing: () => boolean,
    private readonly failed: (error: Error) => void,
  ) {
    res.once('close', () => {
      if (!res.writableEnded) this.end();
    });
  }

  /** Ends a stream in good order: the client sees an end, not a failure, and connects again elsewhere. */
  cut(): void {
    this.end();
    if (this.res.headersSent) return void this.res.end();
    const body = problem('unavailable', 'this gateway is stopping', this.requestId);
    this.secure(this.res);
    sendProblem(this.res, body, { 'retry-after': '2', connection: 'close' });
  }

  /** Gives up on the service's answer: nobody waits for it any more. */
  end(): void {
    this.#gone = true;
    this.#controller?.abort(new Error('the client is gone'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#gone) controller.abort(new Error('the client is gone'));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, sent: IncomingHttpHeaders): void {
    if (status < 200) return;
    const headers = responseHeaders(sent, this.requestId);
    if (this.closing()) headers.push('connection', 'close');
    this.res.writeHead(status, headers);
    // A browser's EventSource is open once it has the headers; the first event may be minutes away.
    if (this.route.streams) this.res.flushHeaders();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.res.write(chunk)) return;
    controller.pause();
    if (this.#onDrain === undefined) this.res.on('drain', (this.#onDrain = () => controller.resume()));
  }

  onResponseEnd(): void {
    this.res.end();
    linger(this.res.req);
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#gone) return;
    this.failed(error);
    // Half an answer must not look like a whole one.
    if (this.res.headersSent) this.res.destroy();
    else this.refuse(error);
  }

  private refuse(error: Error): void {
    const { service } = this.route;
    const code = codeOf(error);
    this.secure(this.res);
    const tell = (kind: ProblemCode, detail: string, retryAfterSeconds?: number) =>
      sendProblem(
        this.res,
        problem(kind, detail, this.requestId),
        retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
      );
    if (NOT_SENT.has(code))
      tell('unavailable', `the ${service} service ${explain(error)}; nothing was done`, 2);
    else if (code === 'UND_ERR_HEADERS_TIMEOUT')
      tell('no_answer', `the ${service} service did not answer in time; it may still do what was asked`, 10);
    else if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED')
      tell('bad_request', 'the request holds a header that cannot be passed on');
    else
      tell(
        'broken_off',
        `the ${service} service broke off the connection; it may have done what was asked`,
        2,
      );
    linger(this.res.req);
  }
}

/**
 * Passes requests on, bytes as they come, both ways. Written over undici's dispatch: @fastify/http-proxy took 115-190 us of
 * CPU a request bare, this takes 70-95 with ids, forwarding headers and metrics (a server that only answers takes 28), and
 * what happens to a refused upload or a lost service is ours to say. Nothing is ever sent twice.
 */
export class Proxy {
  readonly #open = new Set<Passage>();
  #closing = false;

  constructor(
    private readonly upstreams: Upstreams,
    private readonly metrics: Metrics,
    private readonly secure: ReturnType<typeof securityHeaders>,
    private readonly log: FastifyBaseLogger,
    private readonly answerTimeoutMs: number,
  ) {}

  pass(req: IncomingMessage, res: Answer, route: Route, target: string, requestId: string): void {
    const started = performance.now();
    const { service, streams } = route;
    const passage = new Passage(
      res,
      this.secure,
      requestId,
      route,
      () => this.#closing,
      (error) =>
        this.log.warn(
          { upstream: service, request_id: requestId, code: codeOf(error) },
          `no answer: ${error.message}`,
        ),
    );
    if (streams) this.#open.add(passage);
    res.once('close', () => {
      this.#open.delete(passage);
      this.metrics.count(
        service,
        res.headersSent ? res.statusCode : 499,
        streams ? undefined : performance.now() - started,
      );
    });
    // It would not be cut any more, and hold the process up.
    if (streams && this.#closing) return passage.cut();
    const pool = this.upstreams[service][streams ? 'streams' : 'requests'];
    withBody(req, (body) => {
      // undici takes any async iterable; its types know streams only.
      pool.dispatch(
        {
          method: req.method as Dispatcher.HttpMethod,
          path: target,
          headers: requestHeaders(req, requestId),
          body: body as Buffer | null,
          headersTimeout: this.answerTimeoutMs,
          bodyTimeout: streams ? 0 : BODY_TIMEOUT_MS,
        },
        passage,
      );
    });
  }

  /** From now on answers end their connection, and streams, which would never end by themselves, are cut. */
  drain(): void {
    this.#closing = true;
    for (const passage of this.#open) passage.cut();
  }
}
