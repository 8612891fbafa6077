import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { context, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Histogram } from 'prom-client';
import { clientAddress, trustedHops } from './client-address.js';
import type { ConfigFile } from './config-file.js';
import { inWork } from './context.js';
import { MAX_BODY_BYTES, readJsonBodies } from './body.js';
import { HeadersTooLarge } from './errors.js';
import { HTTP_LIMITS, refuseBytes, type HttpLimits } from './http-limits.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';
import { PROBLEM_TYPE, problemOf } from './problem.js';
import { securityHeaders } from './security-headers.js';
import { remote } from './tracing.js';

const REQUEST_ID = /^[A-Za-z0-9_.-]{1,100}$/;
const spans = new WeakMap<FastifyRequest, Span>();

/** The HTTP server under Nest: request ids in and out, JSON bodies, one span and one metric per request. */
export function createHttpAdapter(
  network: ConfigFile['network'],
  publicUrl: string,
  limits: HttpLimits = HTTP_LIMITS,
): FastifyAdapter {
  const secure = securityHeaders(publicUrl);
  const adapter = new FastifyAdapter({
    trustProxy: trustedHops(network),
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: 300 },
    forceCloseConnections: 'idle',
    requestTimeout: limits.requestMs,
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: limits.lookEveryMs,
    },
    clientErrorHandler: refuseBytes,
    // What fails before there is a route (a malformed path) does not come to Nest's filter.
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      const problem = problemOf(error, request.id);
      secure(request.raw, reply.raw);
      void reply
        .status(problem.status)
        .header('content-type', PROBLEM_TYPE)
        .header('x-request-id', request.id)
        .send(JSON.stringify(problem));
    },
    requestIdHeader: false,
    genReqId: (request: IncomingMessage) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
  });
  const fastify = adapter.getInstance();
  // Node leaves out what is more without a word: one more than is taken shows that there were too many.
  fastify.server.maxHeadersCount = limits.headers + 1;
  fastify.addHook('onRequest', (request, reply, done) => {
    secure(request.raw, reply.raw);
    const isCrowded = request.raw.rawHeaders.length > 2 * limits.headers;
    done(isCrowded ? new HeadersTooLarge(`there are more than ${limits.headers} headers`) : undefined);
  });
  return adapter;
}

export function prepareHttp(app: NestFastifyApplication, metrics: Metrics, log: Logger): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  readJsonBodies(fastify);
  const duration = new Histogram({
    name: 'lineclear_http_request_duration_seconds',
    help: 'Time from request to answer, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [metrics.registry],
  });

  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    const { traceparent } = request.headers;
    const parent = typeof traceparent === 'string' ? remote(traceparent) : context.active();
    const span = trace
      .getTracer('lineclear')
      .startSpan(`${request.method} ${request.routeOptions.url ?? '?'}`, { kind: SpanKind.SERVER }, parent);
    spans.set(request, span);
    // What follows (other hooks, the handler, the answer) is called from `done`, so it runs inside this context.
    const work = { request_id: request.id, address: clientAddress(request) };
    context.with(trace.setSpan(parent, span), () => inWork(work, done));
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const span = spans.get(request);
    span?.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    const route = request.routeOptions.url ?? 'unknown';
    duration.observe(
      { method: request.method, route, status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    );
    log.debug(
      {
        method: request.method,
        path: route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      'answered',
    );
    done();
  });
}
