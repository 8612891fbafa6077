import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { isIP, type Socket } from 'node:net';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { Config } from './config.js';
import { registerDocs } from './docs.js';
import { isHost, requestIdOf } from './forward-headers.js';
import { registerHealth } from './health.js';
import { HTTP_LIMITS, type HttpLimits } from './http-limits.js';
import { Metrics } from './metrics.js';
import { PROBLEM_JSON, problem, sendProblem, type ProblemCode } from './problem.js';
import { Proxy } from './proxy.js';
import { routeOf } from './routes.js';
import { securityHeaders } from './security-headers.js';
import { silentConnections } from './silent-connections.js';
import { readTarget } from './target.js';
import { closeUpstreams, openUpstreams } from './upstreams.js';

const IDLE_SWEEP_MS = 100;
type Secure = ReturnType<typeof securityHeaders>;

/**
 * Judges each request target once, before any router sees it: refuses what is ambiguous, passes on what the table gives to
 * a service, and leaves the rest to Fastify, which answers the gateway's own paths.
 */
function doorway(proxy: Proxy, secure: Secure, maxHeaders: number, own: RequestListener): RequestListener {
  return (req: IncomingMessage, res: ServerResponse<IncomingMessage> & { req: IncomingMessage }) => {
    const requestId = requestIdOf(req.headers['x-request-id']);
    const refuse = (code: ProblemCode, detail: string): void => {
      secure(res);
      sendProblem(res, problem(code, detail, requestId));
    };
    const target = readTarget(req.url ?? '');
    if (!target.ok) return refuse('bad_request', target.because);
    if (req.rawHeaders.length > 2 * maxHeaders)
      return refuse('header_too_large', `there are more than ${maxHeaders} headers`);
    if (req.headers.host && !isHost(req.headers.host))
      return refuse('bad_request', 'the Host header is not a host');
    const route = routeOf(target.path);
    if (route !== undefined) return proxy.pass(req, res, route, target.path + target.search, requestId);
    req.url = target.path + target.search;
    req.headers['x-request-id'] = requestId;
    secure(res);
    own(req, res);
  };
}

/** Bytes that are no HTTP request still get an answer in the form of all others. */
function refuseBytes(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const kinds: Readonly<Record<string, ProblemCode>> = {
    HPE_HEADER_OVERFLOW: 'header_too_large',
    ERR_HTTP_REQUEST_TIMEOUT: 'timed_out',
  };
  const body = problem(
    kinds[error.code ?? ''] ?? 'bad_request',
    'this is not an HTTP request we can read',
    requestIdOf(undefined),
  );
  const json = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${body.status} ${body.title}\r\ncontent-type: ${PROBLEM_JSON}\r\ncontent-length: ${Buffer.byteLength(json)}\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n${json}`,
  );
}

function isLocal(req: IncomingMessage): boolean {
  const peer = req.socket.remoteAddress?.replace('::ffff:', '') ?? '';
  // Behind a proxy on this machine everybody would seem to be here.
  const relayed = req.headers['x-forwarded-for'] !== undefined || req.headers.forwarded !== undefined;
  return !relayed && (peer === '::1' || (isIP(peer) === 4 && peer.startsWith('127.')));
}

export interface Options {
  readonly origins: Config['origins'];
  readonly metricsPublic: boolean;
  readonly version: string;
  /** What people's browsers call this house. */
  readonly publicUrl: string;
  readonly log: FastifyBaseLogger;
  /** How long a service may take to begin its answer. */
  readonly answerTimeoutMs?: number;
  readonly limits?: HttpLimits;
}

/** The whole gateway, not yet listening. Closing it ends streams, lets running requests end, then closes the pools. */
export function buildApp({
  origins,
  metricsPublic,
  version,
  publicUrl,
  log,
  answerTimeoutMs = 30_000,
  limits = HTTP_LIMITS,
}: Options): FastifyInstance {
  const upstreams = openUpstreams(origins);
  const metrics = new Metrics();
  const secure = securityHeaders(publicUrl);
  const proxy = new Proxy(upstreams, metrics, secure, log, answerTimeoutMs);
  const app = Fastify({
    loggerInstance: log,
    // The services log what was asked of them; the gateway logs what did not get through.
    logController: new LogController({ disableRequestLogging: true }),
    requestIdHeader: 'x-request-id',
    clientErrorHandler: refuseBytes,
    serverFactory: (own) => {
      const server = createServer(
        {
          maxHeaderSize: limits.headerBytes,
          headersTimeout: limits.headersMs,
          requestTimeout: limits.requestMs,
          connectionsCheckingInterval: limits.lookEveryMs,
          keepAliveTimeout: 72_000,
        },
        doorway(proxy, secure, limits.headers, own),
      );
      // Node leaves out what is more without a word: one more than is taken shows that there were too many.
      server.maxHeadersCount = limits.headers + 1;
      return server;
    },
  });

  app.addHook('onRequest', (request, reply, next) => {
    void reply.header('x-request-id', request.id);
    next();
  });
  app.addHook('onResponse', (_, reply, next) => {
    metrics.count('gateway', reply.statusCode, reply.elapsedTime);
    next();
  });
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .type(PROBLEM_JSON)
      .serializer(JSON.stringify)
      .send(problem('not_found', 'there is nothing at this path', request.id)),
  );
  app.setErrorHandler<Error & { statusCode?: number }>((error, request, reply) => {
    const ours = (error.statusCode ?? 500) >= 500;
    if (ours) request.log.error({ err: error }, 'the gateway failed');
    const body = ours
      ? problem('internal', 'this is a bug; the log has it under the request id', request.id)
      : problem('bad_request', error.message, request.id);
    return reply.code(body.status).type(PROBLEM_JSON).serializer(JSON.stringify).send(body);
  });

  registerHealth(app, upstreams, version);
  registerDocs(app, upstreams, version);
  app.get('/metrics', async (request, reply) => {
    if (!metricsPublic && !isLocal(request.raw)) {
      const body = problem('not_allowed', 'metrics are for callers on this machine', request.id);
      return reply.code(403).type(PROBLEM_JSON).serializer(JSON.stringify).send(body);
    }
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });

  // Fastify closes the idle connections once; one whose request is still being read then would hold the process up.
  let sweep: NodeJS.Timeout | undefined;
  const endSilent = silentConnections(app.server);
  app.addHook('preClose', (done) => {
    proxy.drain();
    sweep = setInterval(() => {
      app.server.closeIdleConnections();
      endSilent();
    }, IDLE_SWEEP_MS);
    done();
  });
  app.addHook('onClose', () => {
    clearInterval(sweep);
    return closeUpstreams(upstreams);
  });
  return app;
}
