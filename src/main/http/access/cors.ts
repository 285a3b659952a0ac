import type { Context } from 'hono';
import { addHeader } from '../answers/respond.ts';
import type { Guard } from './guard.ts';

/**
 * Lets the pages of these origins call the API from a browser, and answers their browsers' questions whether they may
 * (preflights), which carry no token. There are no cookies, so that `*` gives away nothing that needs a token.
 *
 * Not `hono/cors`: once that has touched `c.res`, its headers win over those that a handler gives its answer, such as
 * a page's Content-Security-Policy.
 */
export function allowOrigins(origins: readonly string[]): Guard {
  const everybody = origins.includes('*');
  return (c) => {
    const origin = c.req.header('origin');
    if (!everybody) addHeader(c, 'Vary', 'Origin');
    if (origin === undefined || !(everybody || origins.includes(origin))) return undefined;
    addHeader(c, 'Access-Control-Allow-Origin', everybody ? '*' : origin);
    if (isPreflight(c)) return answerPreflight(c);
    addHeader(c, 'Access-Control-Expose-Headers', EXPOSED_HEADERS);
    return undefined;
  };
}

function isPreflight(c: Context): boolean {
  return c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') !== undefined;
}

function answerPreflight(c: Context): Response {
  return c.body(null, 204, {
    'Access-Control-Allow-Methods': 'GET, HEAD, POST, PATCH, DELETE',
    'Access-Control-Allow-Headers': ALLOWED_HEADERS,
    // Two hours, the longest that browsers keep it.
    'Access-Control-Max-Age': '7200',
  });
}

/** What clients send; `*` would leave out Authorization. */
const ALLOWED_HEADERS = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'Last-Event-ID',
  'Prefer',
  'X-Request-Id',
].join(', ');

/** What pages may read besides Content-Type and the like. */
const EXPOSED_HEADERS = [
  'Idempotent-Replayed',
  'Link',
  'Location',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Limit',
  'RateLimit-Policy',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
].join(', ');
