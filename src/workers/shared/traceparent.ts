/* The header `traceparent` of W3C's Trace Context: `00-TRACE-SPAN-FLAGS`, in hexadecimal digits. */

/** What of a span travels with a task. */
export interface TraceParent {
  traceId: string;
  spanId: string;
  /** Bits: 1 means that the trace is recorded. */
  traceFlags: number;
}

/** Reads the header. @returns null for anything else, also for ids that are all zero: garbage starts no trace */
export function readTraceparent(header: string | null | undefined): TraceParent | null {
  const [, version, traceId, spanId, flags, more] = FORM.exec(header ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  if (version === 'ff' || (version === '00' && more !== '')) return null;
  if (ALL_ZERO.test(traceId) || ALL_ZERO.test(spanId)) return null;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

export function writeTraceparent({ traceId, spanId, traceFlags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** A later version may have more after the flags. */
const FORM = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})($|-.*)/;

const ALL_ZERO = /^0+$/;
