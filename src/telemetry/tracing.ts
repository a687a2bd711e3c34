/**
 * Traces by OpenTelemetry, from the acceptance of an event to every attempt of its deliveries.
 *
 * Until `startTracing` was called nothing is made here, so that what is not traced costs nothing. What a span says is
 * bounded to ids, names and numbers; never a payload, a secret or an address beyond its host.
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
 * Begins to send spans to where OpenTelemetry's own variables say (OTEL_EXPORTER_OTLP_ENDPOINT and those that begin
 * like it, OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_…), unless they are given somewhere else. Gives back
 * what sends the last ones and ends it.
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

/** Whether anything is traced. */
export function isTraced(): boolean {
  return traced;
}

/** Does some work in a span, as part of the trace that `traceparent` names or of a new one. */
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
    // The name only: a message may quote what was sent.
    span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', (error as Error).name);
    throw error;
  } finally {
    span.end();
  }
}

/** Adds attributes to the current span, where something is traced. */
export function annotateSpan(attributes: Attributes): void {
  if (traced) trace.getActiveSpan()?.setAttributes(attributes);
}

/** The span that is under way, as `traceparent` names it; null where nothing is traced. */
export function currentTraceparent(): string | null {
  return traced ? traceparentIn(context.active()) : null;
}

/** The span of an attempt, which `end` ends. */
export interface AttemptSpan {
  /** What names it to the receiver; null where there is nothing to go on from. */
  readonly traceparent: string | null;
  end(attributes: Attributes, failed: boolean): void;
}

/** Begins the span of an attempt, in the trace of its event. */
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

/** Nothing but `traceparent` goes on: what callers put into `tracestate` and `baggage` is not for receivers. */
function traceparentIn(from: Context): string | null {
  const carrier: { traceparent?: string } = {};
  propagation.inject(from, carrier);
  return carrier.traceparent ?? null;
}
