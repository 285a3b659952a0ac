import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { describe } from './database/errors.ts';
import type { PendingMigrations } from './http/parts.ts';
import type { Observe } from './observe/events.ts';

/**
 * Looks until the API can work, and tells what keeps it from that whenever this changes. Its log says then why its
 * health is what it is, also before the first request has failed.
 * @param ended nobody wants to know any more
 */
export async function tellReadiness(
  database: pg.Pool,
  pendingMigrations: PendingMigrations,
  observe: Observe,
  ended: AbortSignal,
): Promise<void> {
  let told: string | undefined;
  while (!ended.aborted) {
    const reason = await whyNotReady(database, pendingMigrations);
    if (ended.aborted) return;
    if (reason === undefined) return observe({ event: 'api_ready' });
    if (reason !== told) observe({ event: 'api_waiting', reason });
    told = reason;
    await sleep(LOOK_MS, undefined, { signal: ended }).catch(() => {});
  }
}

const LOOK_MS = 1000;

/** Not how many: they become fewer while a runner applies them, and one line is enough. */
const PENDING = 'migrations are pending; a runner applies them at its start, or: heddle migrate --up';

async function whyNotReady(
  database: pg.Pool,
  pendingMigrations: PendingMigrations,
): Promise<string | undefined> {
  try {
    const { length } = await pendingMigrations(database);
    return length === 0 ? undefined : PENDING;
  } catch (error) {
    return `the database cannot be used: ${describe(error).message}`;
  }
}
