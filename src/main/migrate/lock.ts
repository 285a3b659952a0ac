import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../database/connect.ts';
import type { Observe } from '../observe/events.ts';
import { EXIT, MigrationError } from './error.ts';

/**
 * Takes the migration lock of this database for the session; whoever holds it is alone in changing the schema.
 *
 * It is polled, because a session that waits in `pg_advisory_lock` holds a snapshot, for which CREATE INDEX
 * CONCURRENTLY in the session that has the lock would wait in turn: a deadlock.
 * @throws MigrationError that names the holder when it is not free in time
 */
export async function takeMigrationLock(
  database: Queryable,
  timeoutSeconds: number,
  observe: Observe,
): Promise<void> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  for (let waiting = false; !(await tryLock(database)); waiting = true) {
    if (performance.now() >= deadline)
      throw new MigrationError(
        EXIT.lockNotObtained,
        `the migration lock was not free within ${timeoutSeconds} s: it is held by ${await holder(database)}; wait for it, or longer with --lock-timeout`,
      );
    if (!waiting)
      observe({ event: 'migration_waiting', reason: `another process migrates: ${await holder(database)}` });
    await sleep(100 + Math.random() * 100);
  }
}

async function tryLock(database: Queryable): Promise<boolean> {
  const { rows } = await database.query<{ taken: boolean }>(TRY_LOCK, [...LOCK]);
  return rows[0]?.taken === true;
}

async function holder(database: Queryable): Promise<string> {
  const { rows } = await database.query<{ pid: number; application_name: string | null }>(HOLDER, [...LOCK]);
  const [row] = rows;
  return row
    ? `pid ${row.pid} (${row.application_name || 'no application_name'})`
    : 'somebody who has just gone';
}

/** 'HEDL' as a number, and 1 for migrations. Advisory locks belong to one database, not to the server. */
const LOCK = [0x4845444c, 1] as const;

const TRY_LOCK = 'select pg_try_advisory_lock($1::integer, $2::integer) as taken';

const HOLDER = `
  select pid, application_name
  from pg_locks left join pg_stat_activity using (pid)
  where locktype = 'advisory' and granted and classid = $1::integer and objid = $2::integer and objsubid = 2
    and pg_locks.database = (select oid from pg_database where datname = current_database())`;
