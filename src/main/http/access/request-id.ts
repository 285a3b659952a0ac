import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';

declare module 'hono' {
  interface ContextVariableMap {
    requestId: string;
  }
}

/** A request's id, which its answer has as `X-Request-Id`: its caller's own if that is a sane one. */
export function requestId(c: Context): string {
  const given = c.req.header('x-request-id');
  return given !== undefined && SANE.test(given) ? given : randomUUID();
}

/** It goes into logs. */
const SANE = /^[\w.-]{1,128}$/;
