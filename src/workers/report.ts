import { inspect } from 'node:util';
import type { ErrorRecord } from './protocol.ts';

/*
 * Results and errors leave the thread as JSON text that we write: structured clone loses error classes and codes,
 * and dies of a function.
 */

/**
 * A value as JSON text.
 * @throws TypeError that names the place of what JSON cannot hold: a function, a symbol, a BigInt, a circle
 */
export function toJson(value: unknown): { json: string | null; repaired: boolean } {
  if (value === undefined || value === null) return { json: null, repaired: false };
  const json = JSON.stringify(value, refuseWhatJsonDrops) as string | undefined;
  if (json === undefined) return { json: null, repaired: false }; // Its toJSON gives undefined.
  const { text, repaired } = storableJson(json);
  return { json: text, repaired };
}

/** JSON text in which no string holds NUL or half of a surrogate pair. Nearly every text passes at the first look. */
export function storableJson(json: string): { text: string; repaired: boolean } {
  if (!SUSPICIOUS.test(json)) return { text: json, repaired: false };
  const { value, repaired } = storable(JSON.parse(json) as unknown);
  return { text: repaired ? JSON.stringify(value) : json, repaired };
}

/** How a replaced character is told among a task's lines. */
export const REPAIRED = (what: string): string =>
  `${what} held NUL or half of a surrogate pair, which PostgreSQL cannot keep: they are U+FFFD now`;

/** A copy in which NUL and halves of surrogate pairs, which PostgreSQL cannot hold, are U+FFFD. */
export function storable<T>(value: T): { value: T; repaired: boolean } {
  let repaired = false;
  const repair = (text: string): string => {
    if (!text.includes('\0') && text.isWellFormed()) return text;
    repaired = true;
    return text.toWellFormed().replaceAll('\0', '\uFFFD');
  };
  const walk = (inner: unknown): unknown => {
    if (typeof inner === 'string') return repair(inner);
    if (Array.isArray(inner)) return inner.map(walk);
    if (typeof inner !== 'object' || inner === null) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, item]) => [repair(key), walk(item)]));
  };
  return { value: walk(value) as T, repaired };
}

/** What is kept of anything that was thrown: an Error, a string, a circular object. Never throws. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  try {
    return storable(record(thrown, 0)).value;
  } catch {
    return { name: 'Error', message: 'something was thrown that cannot even be looked at' };
  }
}

function record(thrown: unknown, depth: number): ErrorRecord {
  if (!(thrown instanceof Error) && !looksLikeError(thrown)) {
    const message =
      typeof thrown === 'string'
        ? thrown
        : inspect(thrown, { depth: 2, breakLength: Number.POSITIVE_INFINITY });
    return { name: typeof thrown, message: shorten(message, MAX_MESSAGE) };
  }
  const { name, message, stack, cause } = thrown;
  const code = (thrown as { code?: unknown }).code;
  return {
    name: shorten(String(name), MAX_NAME),
    // The AggregateError of a failed connection has only a code.
    message: shorten(String(message) || String(code ?? name), MAX_MESSAGE),
    ...(typeof stack === 'string' && { stack: shorten(stack, MAX_STACK) }),
    ...(typeof code === 'string' && { code: shorten(code, MAX_NAME) }),
    ...(typeof code === 'number' && { code }),
    ...(cause !== undefined && cause !== null && depth < MAX_CAUSES && { cause: record(cause, depth + 1) }),
  };
}

/** An Error of another realm or library: it has what an Error has. */
function looksLikeError(thrown: unknown): thrown is Error {
  const error = thrown as Partial<Error> | null;
  return typeof error === 'object' && typeof error?.message === 'string' && typeof error.name === 'string';
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}… (${text.length} characters)`;
}

const MAX_NAME = 200;
const MAX_MESSAGE = 10_000;
const MAX_STACK = 20_000;
const MAX_CAUSES = 5;

/** A NUL or lone surrogate as JSON.stringify escapes them. An escaped backslash before it can look the same. */
const SUSPICIOUS = /\\u(0000|d[89a-f]..)/;

/** JSON.stringify throws at BigInts and circles by itself; what it drops without a word is refused here. */
function refuseWhatJsonDrops(this: unknown, key: string, value: unknown): unknown {
  if (typeof value !== 'function' && typeof value !== 'symbol') return value;
  throw new TypeError(`${key === '' ? 'it' : `'${key}'`} is a ${typeof value}, which JSON cannot hold`);
}
