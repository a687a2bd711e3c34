/**
 * OpenTelemetry traces, from the acceptance of an event to every attempt of its deliveries.
 *
 * No spans are created before `startTracing`, so that tracing costs nothing when it is off. Span attributes are ids,
 * names and numbers; never a payload, a secret or more of a URL than its host.
 */
import {
  context,
  diag,
  DiagLogLevel,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';
import type { Logger } from 'pino';

const NAME = 'pigeonpost';

let traced = false;

/**
 * Starts tracing. OpenTelemetry's environment variables configure it (OTEL_EXPORTER_OTLP_ENDPOINT and similar,
 * OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_…), unless a processor is given. Returns a function that
 * sends the last spans and stops tracing.
 */
export function startTracing(
  log: Logger,
  processor: SpanProcessor = new BatchSpanProcessor(new OTLPTraceExporter()),
): () => Promise<void> {
  diag.setLogger(
    {
      verbose: () => undefined,
      debug: () => undefined,
      info: () => undefined,
      warn: (message) => log.warn(`tracing: ${message}`),
      error: (message) => log.warn(`tracing: ${message}`),
    },
    DiagLogLevel.WARN,
  );
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': NAME }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [processor],
  });
  provider.register();
  traced = true;
  return async () => {
    traced = false;
    await provider.shutdown().catch(() => log.warn('tracing: the last spans were not sent'));
    for (const api of [trace, context, propagation, diag]) api.disable();
  };
}

/** Whether tracing is on. */
export function isTraced(): boolean {
  return traced;
}

/** Runs `work` in a span of the trace in `traceparent`, or of a new trace. */
export async function inSpan<T>(
  name: string,
  { traceparent, attributes }: { traceparent?: string | undefined; attributes: Attributes },
  work: () => Promise<T>,
): Promise<T> {
  if (!traced) return work();
  const parent = contextOf(traceparent);
  const span = tracer().startSpan(name, { kind: SpanKind.PRODUCER, attributes }, parent);
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    // Only the error's name: its message may quote the request.
    span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', (error as Error).name);
    throw error;
  } finally {
    span.end();
  }
}

/** Adds attributes to the current span, if tracing is on. */
export function annotateSpan(attributes: Attributes): void {
  if (traced) trace.getActiveSpan()?.setAttributes(attributes);
}

/** The `traceparent` of the current span; null without tracing. */
export function currentTraceparent(): string | null {
  return traced ? traceparentIn(context.active()) : null;
}

/** The span of an attempt. */
export interface AttemptSpan {
  /** The header value for the receiver; null without a trace. */
  readonly traceparent: string | null;
  end(attributes: Attributes, failed: boolean): void;
}

/** Starts the span of an attempt in the trace of its event. */
export function startAttemptSpan(eventTraceparent: string | null, attributes: Attributes): AttemptSpan {
  const parent = contextOf(eventTraceparent ?? undefined);
  const span: Span = tracer().startSpan('attempt', { kind: SpanKind.CLIENT, attributes }, parent);
  return {
    traceparent: traceparentIn(trace.setSpan(parent, span)),
    end(more, failed) {
      span.setAttributes(more);
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  };
}

const tracer = () => trace.getTracer(NAME);

function contextOf(traceparent: string | undefined): Context {
  return traceparent === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent });
}

/** Only `traceparent` is propagated: the callers' `tracestate` and `baggage` must not reach receivers. */
function traceparentIn(from: Context): string | null {
  const headers: { traceparent?: string } = {};
  propagation.inject(from, headers);
  return headers.traceparent ?? null;
}
