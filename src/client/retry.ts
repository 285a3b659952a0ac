import { HeddleError } from './errors.ts';

/**
 * When a request may be repeated. `always`: it has the same effect however often it arrives. `refused`: only when the
 * API has said that it did nothing.
 */
export type Repeatable = 'always' | 'refused';

/** Whether it makes sense to send a request again after this. @param error an answer's, or one of the network */
export function isWorthRepeating(error: unknown, repeatable: Repeatable): boolean {
  if (!(error instanceof HeddleError)) return repeatable === 'always';
  if (error.status === 429) return true;
  return repeatable === 'always' && (PASSING.has(error.status) || isInProgress(error));
}

/** The same submission, sent before, is still under way: its answer will come. */
export function isInProgress(error: unknown): boolean {
  return error instanceof HeddleError && error.status === 409 && error.type === IN_PROGRESS;
}

/**
 * How long to wait before a request is sent again, in milliseconds: what the API asks for, and at least twice as long
 * from time to time.
 * @param tries how often it was sent
 * @param retryAfter the header of that name: seconds, or a date
 * @param random from 0 to 1: not everybody comes back at the same moment
 */
export function pauseMs(tries: number, retryAfter: string | null, now: number, random: number): number {
  const growing = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
  const asked = Math.min(LONGEST_ASKED_MS, askedMs(retryAfter, now));
  return Math.max(growing * (0.5 + random / 2), asked * (1 + random / 10));
}

const PASSING = new Set([408, 502, 503, 504]);
const IN_PROGRESS = '/problems/idempotency-in-progress';
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;
const LONGEST_ASKED_MS = 60_000;

function askedMs(retryAfter: string | null, now: number): number {
  if (retryAfter === null) return 0;
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
