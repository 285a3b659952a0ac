import { createRequire } from 'node:module';
import type { Attributes, Context, Exception, Span } from '@opentelemetry/api';
import type { AttemptOrder, ErrorRecord } from '../protocol.ts';
import { readTraceparent, writeTraceparent } from './traceparent.ts';

/*
 * Traces, through @opentelemetry/api alone. Users bring the SDK, into every process and thread:
 * `NODE_OPTIONS=--import ./telemetry.mjs`. Attributes are those of OpenTelemetry's conventions for messaging where
 * there are such. See docs/monitoring.md.
 */

type Api = typeof import('@opentelemetry/api');

/** A span `submit TYPE`. One that nothing was submitted in is never told of. */
export interface SubmitSpan {
  /** What is kept with the tasks. Without an SDK it is the caller's, or null. */
  traceparent: string | null;
  /** Submits. @param idsOf the ids of the tasks that were submitted */
  around<T>(work: () => Promise<T>, idsOf: (submitted: T) => readonly string[]): Promise<T>;
}

/**
 * Starts a span for a submission, if there is an SDK: a child of the active span, or else of the caller's.
 * @param types of the tasks, one each
 * @param caller the caller's `traceparent`; garbage is ignored
 */
export function startSubmitSpan(types: readonly string[], caller: string | null | undefined): SubmitSpan {
  const api = loadedApi();
  if (api === null) {
    const parent = readTraceparent(caller);
    return { traceparent: parent && writeTraceparent(parent), around: (work) => work() };
  }
  const [type] = new Set(types).size === 1 ? types : [];
  const span = api.trace
    .getTracer(TRACER)
    .startSpan(
      type === undefined ? 'submit' : `submit ${type}`,
      { kind: api.SpanKind.PRODUCER, attributes: submitAttributes(type, types.length) },
      parentOf(api, caller),
    );
  return {
    traceparent: writeTraceparent(span.spanContext()),
    async around(work, idsOf) {
      try {
        const submitted = await work();
        const [id] = types.length === 1 ? idsOf(submitted) : [];
        if (id !== undefined) span.setAttributes({ 'messaging.message.id': id, 'heddle.task.id': id });
        return submitted;
      } catch (error) {
        fail(api, span, error as Error);
        throw error;
      } finally {
        span.end();
      }
    },
  };
}

/** How an attempt ended, as its span tells it. */
export interface SpanOutcome {
  name: string;
  error: ErrorRecord | null;
}

/**
 * Runs an attempt inside a span `run TYPE`, if there is an SDK: a child of the span that submitted the task, and active
 * while the attempt runs.
 * @param run never throws
 */
export function inRunSpan<T>(
  order: AttemptOrder,
  run: () => Promise<T>,
  outcomeOf: (ended: T) => SpanOutcome,
): Promise<T> {
  const api = loadedApi();
  return api === null ? run() : spanned(api, order, run, outcomeOf);
}

async function spanned<T>(
  api: Api,
  order: AttemptOrder,
  run: () => Promise<T>,
  outcomeOf: (ended: T) => SpanOutcome,
): Promise<T> {
  const { span, context } = startRunSpan(api, order);
  const ended = await api.context.with(context, run);
  endRunSpan(api, span, outcomeOf(ended));
  return ended;
}

/** Tells of an attempt whose thread has died, and its span with it. @param ranMs up to now */
export function tellRunSpan(order: AttemptOrder, outcome: SpanOutcome, ranMs: number): void {
  const api = loadedApi();
  if (api !== null) endRunSpan(api, startRunSpan(api, order, Date.now() - ranMs).span, outcome);
}

/** The trace that is active here, or that a task belongs to. */
export function traceIdOf(traceparent: string | null): string | undefined {
  const active = loadedApi()?.trace.getActiveSpan()?.spanContext().traceId;
  return active ?? readTraceparent(traceparent)?.traceId;
}

/**
 * Waits until the spans that have ended are sent, for so many milliseconds at most: also when nobody collects them.
 * @returns whether there is an SDK at all
 */
export async function sendSpans(withinMs: number): Promise<boolean> {
  const provider = loadedApi()?.trace.getTracerProvider() as Flushable | undefined;
  if (provider === undefined) return false;
  const flushable = provider.getDelegate?.() ?? provider;
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, withinMs);
  });
  await Promise.race([flushable.forceFlush?.().catch(() => {}), tooLate]);
  clearTimeout(timer);
  return true;
}

/** A provider of the SDK, or the API's proxy of it. */
interface Flushable {
  getDelegate?(): Flushable;
  forceFlush?(): Promise<void>;
}

let api: Api | undefined;

/**
 * The API, if a provider of spans was registered here. The API keeps that in this global, whichever copy of it was
 * used: so threads without an SDK, which are most, are spared its import (some 15 ms and 2 MB each).
 */
function loadedApi(): Api | null {
  const registered = (globalThis as { [GLOBAL]?: { trace?: unknown } })[GLOBAL];
  if (registered?.trace === undefined) return null;
  api ??= createRequire(import.meta.url)('@opentelemetry/api') as Api;
  return api;
}

const GLOBAL = Symbol.for('opentelemetry.js.api.1');

const TRACER = 'heddle';
const SYSTEM = { 'messaging.system': 'heddle' };

/** Of whoever is active here, such as the span of an HTTP request, or else of another process. */
function parentOf(api: Api, traceparent: string | null | undefined): Context {
  const active = api.context.active();
  return api.trace.getSpanContext(active) === undefined ? remote(api, traceparent) : active;
}

function remote({ trace, ROOT_CONTEXT }: Api, traceparent: string | null | undefined): Context {
  const parent = readTraceparent(traceparent);
  return parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true });
}

function submitAttributes(type: string | undefined, count: number): Attributes {
  return {
    ...SYSTEM,
    'messaging.operation.name': 'submit',
    'messaging.operation.type': 'send',
    ...(type !== undefined && { 'messaging.destination.name': type, 'heddle.task.type': type }),
    ...(count > 1 && { 'messaging.batch.message_count': count }),
  };
}

function startRunSpan(
  api: Api,
  { taskId, type, attempt, traceparent }: AttemptOrder,
  startTime?: number,
): { span: Span; context: Context } {
  const parent = remote(api, traceparent);
  const span = api.trace.getTracer(TRACER).startSpan(
    `run ${type}`,
    {
      kind: api.SpanKind.CONSUMER,
      attributes: {
        ...SYSTEM,
        'messaging.operation.name': 'run',
        'messaging.operation.type': 'process',
        'messaging.destination.name': type,
        'messaging.message.id': taskId,
        'heddle.task.id': taskId,
        'heddle.task.type': type,
        'heddle.task.attempt': attempt,
      },
      ...(startTime !== undefined && { startTime }),
    },
    parent,
  );
  return { span, context: api.trace.setSpan(parent, span) };
}

function endRunSpan(api: Api, span: Span, { name, error }: SpanOutcome): void {
  span.setAttribute('heddle.task.outcome', name);
  if (error !== null) fail(api, span, error);
  span.end();
}

function fail(
  { SpanStatusCode }: Api,
  span: Span,
  error: Exception & { name: string; message: string },
): void {
  span.recordException(error);
  span.setAttribute('error.type', error.name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
}
