import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Queryable } from '../../src/main/database/connect.ts';
import { isAway } from '../../src/main/database/errors.ts';

/** The same database, for statements that may be repeated: while it is away, they are. */
export function patient(database: Queryable): Queryable {
  return {
    async query<Row extends pg.QueryResultRow>(statement: string | pg.QueryConfig, values?: unknown[]) {
      const startedAt = performance.now();
      for (;;) {
        try {
          return await database.query<Row>(statement, values);
        } catch (error) {
          if (!isAway(error) || performance.now() - startedAt > PATIENCE_MS) throw error;
          await sleep(100);
        }
      }
    },
  };
}

const PATIENCE_MS = 30_000;
