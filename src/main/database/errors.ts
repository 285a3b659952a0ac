import { setTimeout as sleep } from 'node:timers/promises';
import type { Observe } from '../observe/events.ts';
import { describe } from './connect.ts';

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

/** Whether the database cannot be reached at the moment: the same statement may succeed later. */
export function isAway(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return AWAY_CODES.test(code) || AWAY_MESSAGES.test(message);
}

/** Of the network; of PostgreSQL: connections (08), too many (53300), shut down or starting (57P01 to 57P03). */
const AWAY_CODES =
  /^(ECONN(REFUSED|RESET|ABORTED)|ENOTFOUND|EAI_AGAIN|ENOENT|EPIPE|E(HOST|NET)UNREACH|ETIMEDOUT|08...|53300|57P0[123])$/;

/** pg has no codes for these. */
const AWAY_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/**
 * Repeats `work` until it succeeds, at growing intervals up to two seconds: for what must be written, however long
 * the database is away. Only an error that repetition cannot cure is thrown.
 */
export async function untilWritten<T>(during: string, observe: Observe, work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (refusesTheValues(error)) throw error;
      observe({ event: 'database_error', during, ...describe(error) });
      await sleep(Math.min(2000, 50 * 2 ** tries) * (0.5 + Math.random() / 2));
    }
  }
}
