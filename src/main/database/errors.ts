import { setTimeout as sleep } from 'node:timers/promises';
import type { Observe } from '../observe/events.ts';

const LOCKED = '55P03';

/** What of a database error is told: its message and SQLSTATE, never the statement's values. */
export function describe(error: unknown): { message: string; code?: string | undefined } {
  const { message, code } = error as { message?: string; code?: string };
  return { message: message || code || String(error), code };
}

/**
 * Whether the database refuses the values themselves, so that no repetition will help: SQLSTATE classes 22 (data
 * exception), 23 (integrity constraint violation) and 54 (program limit exceeded). A RangeError is V8's: the
 * statement's values together are longer than a string can be.
 */
export function refusesTheValues(error: unknown): boolean {
  if (error instanceof RangeError) return true;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(22|23|54)...$/.test(code);
}

/** Whether the database cannot do anything at the moment, whatever it is asked: the same statement may succeed later. */
export function isAway(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return AWAY_CODES.test(code) || AWAY_MESSAGES.test(message) || isTooSlow(error);
}

/** Whether a statement was sent, and its answer did not come: it may go on, and even be committed. */
export function leavesOutcomeOpen(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return OPEN_CODES.test(code) || OPEN_MESSAGES.test(message);
}

/** Whether another transaction was in the way: the same statement has had no effect, and can be repeated at once. */
export function isPassing(error: unknown): boolean {
  return PASSING_CODES.has((error as { code?: string }).code ?? '');
}

/** Serialization failure, deadlock, lock not available. */
const PASSING_CODES = new Set(['40001', '40P01', LOCKED]);

/** Whether a statement has waited for a lock for as long as it may. */
export function isLocked(error: unknown): boolean {
  return (error as { code?: string } | undefined)?.code === LOCKED;
}

/** Whether a statement has taken too long: it may go on, and even be committed, but nobody waits for it any more. */
export function isTooSlow(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return code === '57014' || message === 'Query read timeout';
}

/**
 * Whether a statement for many rows can have failed because of one of them: without that one it may succeed. What
 * comes from the connection, or keeps the database from doing anything, has nothing to do with the rows.
 */
export function mayBeOneRow(error: unknown): boolean {
  if (error instanceof RangeError || isTooSlow(error)) return true;
  const { code = '' } = error as { code?: string };
  return SQLSTATE.test(code) && !NO_SESSION.test(code) && !isAway(error) && !isPassing(error);
}

/** Never without a digit, as the codes of the network are. */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;

/** Of PostgreSQL: who connects is not let in (28), there is no such database (3D), or the session was ended (57P). */
const NO_SESSION = /^(28|3D|57P)/;

/** Repeats a statement while other transactions are in its way, a few times. @throws what the last try throws */
export async function pastOthers<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || tries === MOST_TRIES) throw error;
      await sleep(5 * 2 ** tries * Math.random());
    }
  }
}

const MOST_TRIES = 8;
const PASSING_MS = 20;

/**
 * Of the network; of PostgreSQL: connections (08), read-only (25006), disk or memory full, too many connections (53),
 * shut down or starting (57P01 to 57P03).
 */
const AWAY_CODES =
  /^(ECONN(REFUSED|RESET|ABORTED)|ENOTFOUND|EAI_AGAIN|ENOENT|EPIPE|E(HOST|NET)UNREACH|ETIMEDOUT|08...|25006|53...|57P0[123])$/;

/** pg has no codes for these. */
const AWAY_MESSAGES =
  /^(Connection terminated|timeout (exceeded when trying to connect|expired)|Client has encountered a connection error)/;

/** Of the network; of PostgreSQL: the connection broke (08), or was ended (57P01, 57P02). */
const OPEN_CODES = /^(ECONN(RESET|ABORTED)|EPIPE|ETIMEDOUT|08...|57P0[12])$/;

const OPEN_MESSAGES = /^(Query read timeout$|Connection terminated unexpectedly)/;

/** How long to wait before trying again, in milliseconds: from `firstMs` on twice as long each time, with jitter. */
export function growingPause(firstMs: number, tries: number, mostMs: number): number {
  return jittered(Math.min(mostMs, firstMs * 2 ** tries));
}

/** Not all at the same moment: from half of it up to the whole. */
function jittered(milliseconds: number): number {
  return milliseconds * (0.5 + Math.random() / 2);
}

/** Before a statement is repeated that another transaction was in the way of. */
export function passingPause(): number {
  return jittered(PASSING_MS);
}

/**
 * Repeats `work` until it succeeds, at growing intervals up to two seconds: for what must be written, however long
 * the database is away. Only an error that repetition cannot cure is thrown.
 * @param work gets the error of the time before
 * @param isFinal which errors are thrown
 */
export async function untilWritten<T>(
  during: string,
  observe: Observe,
  work: (last?: unknown) => Promise<T>,
  isFinal: (error: unknown) => boolean = refusesTheValues,
): Promise<T> {
  let last: unknown;
  for (let tries = 0; ; tries++) {
    try {
      return await work(last);
    } catch (error) {
      last = error;
      if (isFinal(error)) throw error;
      observe({ event: 'database_error', during, ...describe(error) });
      // What was in the way of another transaction has waited for it already.
      await sleep(isPassing(error) ? passingPause() : growingPause(50, tries, 2000));
    }
  }
}
