import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type SpanKind,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { withDeadline } from './health.js';

const LAST_SPANS_MS = 2_000;

/**
 * Starts tracing for this process. Trace ids travel always (so that logs of all services can be joined); spans are
 * recorded and sent only where an OTLP endpoint is configured. Returns what ends it, with everything sent that can be.
 */
export function startTracing(service: string, otlpEndpoint: string | undefined): () => Promise<void> {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': `lineclear-${service}`,
      'service.namespace': 'lineclear',
    }),
    // The gateway may have started a trace without recording it: whoever has an exporter records its own part.
    sampler: new ParentBasedSampler(
      otlpEndpoint === undefined
        ? { root: new AlwaysOffSampler() }
        : { root: new AlwaysOnSampler(), remoteParentNotSampled: new AlwaysOnSampler() },
    ),
    spanProcessors:
      otlpEndpoint === undefined
        ? []
        : [
            new BatchSpanProcessor(
              new OTLPTraceExporter({ url: `${otlpEndpoint.replace(/\/$/, '')}/v1/traces` }),
            ),
          ],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return async () => {
    // What a collector does not take by then is lost: nobody's work depends on it, and a service has to stop in time.
    await withDeadline(provider.shutdown(), LAST_SPANS_MS).catch(() => undefined);
    trace.disable();
    context.disable();
    propagation.disable();
  };
}

/** The W3C `traceparent` of the running work, or undefined outside of any. */
export function currentTraceparent(): string | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  if (!span || !trace.isSpanContextValid(span)) return undefined;
  return `00-${span.traceId}-${span.spanId}-0${span.traceFlags & 1}`;
}

/** Runs `fn` in a span that continues `traceparent` (or the running trace, or starts one). An error ends the span as failed. */
export async function inSpan<T>(
  name: string,
  options: { kind: SpanKind; traceparent?: string | undefined; attributes?: Attributes },
  fn: () => Promise<T>,
): Promise<T> {
  const parent = options.traceparent === undefined ? context.active() : remote(options.traceparent);
  const span = trace
    .getTracer('lineclear')
    .startSpan(
      name,
      { kind: options.kind, ...(options.attributes ? { attributes: options.attributes } : {}) },
      parent,
    );
  try {
    return await context.with(trace.setSpan(parent, span), fn);
  } catch (error) {
    span.setStatus({
      code: SpanStatusCode.ERROR,
      message: error instanceof Error ? error.message : String(error),
    });
    throw error;
  } finally {
    span.end();
  }
}

/** The context of a `traceparent` that came from outside; a broken one starts a new trace. */
export const remote = (traceparent: string): Context => propagation.extract(ROOT_CONTEXT, { traceparent });
