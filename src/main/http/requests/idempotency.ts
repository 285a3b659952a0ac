import { hash } from 'node:crypto';
import type { Context } from 'hono';
import { routePath } from 'hono/route';
import type pg from 'pg';
import {
  type Done,
  type KeptAnswer,
  type KeyedRequest,
  once as onceAlone,
  replaceAnswer,
} from '../../database/idempotency.ts';
import { addHeader, respond } from '../answers/respond.ts';
import { badParameter } from './query.ts';

/** What a request is answered with when all went well. */
export interface Answer {
  status: 200 | 201;
  /** Becomes JSON. */
  body: unknown;
  /** The address of what was made. */
  location?: string;
}

export interface IdempotentOptions {
  database: pg.Pool;
  /** SHA-256 of the body. Only asked for when there is a key. */
  fingerprint: () => Buffer | Promise<Buffer>;
  /** Carries out a request with a key. Without it, `work` does so, in a transaction of its own. */
  once?: ((request: KeyedRequest) => Promise<Done>) | undefined;
  /** Called after the commit of a request with a key. */
  committed?: (() => void) | undefined;
  /** Waits after the commit for a better answer, at most so many seconds. */
  wait?: { seconds: number; answer: () => Promise<Answer | undefined> } | undefined;
}

/**
 * Carries out a request, and once only if it has an Idempotency-Key: a repeat gets the first answer again. Effect and
 * answer are committed together, so that it can be repeated whatever came of it.
 * @param work gets a client in a transaction, which it has to use and not to commit; without a key it gets none, and
 * does as it likes
 * @throws Problem 400 when the key is empty or too long
 * @throws KeyInProgressError, KeyReusedError
 */
export async function idempotent(
  c: Context,
  { database, fingerprint, once, committed, wait }: IdempotentOptions,
  work: (client?: pg.PoolClient) => Promise<Answer>,
): Promise<Response> {
  const key = idempotencyKey(c.req.header('idempotency-key'));
  if (key === undefined) {
    const answer = await work();
    return send(c, toKept((wait && (await wait.answer())) ?? answer));
  }
  const request = {
    id: idOf(c, key),
    fingerprint: await fingerprint(),
    pendingSeconds: wait === undefined ? 0 : wait.seconds + GRACE_SECONDS,
  };
  const { answer, replayed } = await (once === undefined
    ? onceAlone(database, request, async (client) => toKept(await work(client)))
    : once(request));
  if (!replayed) {
    committed?.();
    return send(c, (await finalAnswer(database, request, wait)) ?? answer);
  }
  addHeader(c, 'Idempotent-Replayed', 'true');
  return send(c, answer);
}

/** SHA-256 of a JSON value, in which the order of keys means nothing. */
export function fingerprintOf(value: unknown): Buffer {
  return hash('sha256', canonicalJson(value), 'buffer');
}

/** After the longest wait, for the answer to be read and written. */
const GRACE_SECONDS = 5;

const MOST_CHARACTERS = 255;

/** The header's value, or what is in it as a string of RFC 8941. */
function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header)?.[1];
  const key = quoted === undefined ? header : quoted.replace(/\\(.)/g, '$1');
  if (key === '') throw badParameter('the Idempotency-Key is empty');
  if (key.length > MOST_CHARACTERS) {
    throw badParameter(`the Idempotency-Key has more than ${MOST_CHARACTERS} characters`);
  }
  return key;
}

/** What operations say of the header. */
export const IDEMPOTENCY_KEY =
  'Any string of at most 255 characters, quoted or not. For 24 hours, a repeat with the same key and body has no further effect and gets the first answer again';
export const IDEMPOTENT_REPLAYED = '`true` when this is the answer to an earlier request with the same key';

/** Each token has keys of its own on each route. */
function idOf(c: Context, key: string): Buffer {
  const scope = [c.get('caller').actor, c.req.method, routePath(c), key];
  return hash('sha256', JSON.stringify(scope), 'buffer');
}

/** Until it is kept, a repeat is told to wait. Where that comes too late, the first answer stands. */
async function finalAnswer(
  database: pg.Pool,
  request: KeyedRequest,
  wait: IdempotentOptions['wait'],
): Promise<KeptAnswer | undefined> {
  if (wait === undefined) return undefined;
  const answer = await wait.answer();
  if (answer === undefined) return undefined;
  const kept = toKept(answer);
  return (await replaceAnswer(database, request, kept)) ? kept : undefined;
}

/** An answer as it is kept. */
export function toKept({ status, body, location }: Answer): KeptAnswer {
  return { status, location: location ?? null, body: JSON.stringify(body) };
}

function send(c: Context, { status, location, body }: KeptAnswer): Response {
  const headers = { 'Content-Type': 'application/json', ...(location !== null && { Location: location }) };
  return respond(c, body, status as Answer['status'], headers);
}

function canonicalJson(value: unknown): string {
  try {
    return JSON.stringify(value, withSortedKeys);
  } catch (error) {
    // Nested so deep that it will be refused, and no answer kept.
    if (error instanceof RangeError) return '';
    throw error;
  }
}

function withSortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
