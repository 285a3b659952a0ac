import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';

declare module 'hono' {
  interface ContextVariableMap {
    requestId: string;
  }
}

/** Gives every request an id, its caller's own if that is a sane one, and every answer, as `X-Request-Id`. */
export function setRequestId(c: Context): void {
  const given = c.req.header('x-request-id');
  const id = given !== undefined && SANE.test(given) ? given : randomUUID();
  c.set('requestId', id);
  c.header('X-Request-Id', id);
}

/** It goes into logs. */
const SANE = /^[\w.-]{1,128}$/;
