import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, primaryKey, timestamp, uuid } from 'drizzle-orm/pg-core';

const count = () => integer().notNull().default(0);

/** How many fell into each bucket of a `LogHistogram`, by the bucket's number; those without any are left out. */
export type BucketCounts = Record<string, number>;

/** What became of the attempts that ended on a runner, a minute a row. Statistics are made of it. */
export const attemptMinutes = pgTable(
  'attempt_minutes',
  {
    runner_id: uuid().notNull(),
    /** Counted by the runner from its start: whatever its clock does, a minute is written by nobody else. */
    minute: integer().notNull(),
    began_at: timestamp({ withTimezone: true }).notNull().default(sql`now()`),
    attempts: count(),
    completed: count(),
    failed: count(),
    retried: count(),
    wait_ms: jsonb().$type<BucketCounts>().notNull().default({}),
    run_ms: jsonb().$type<BucketCounts>().notNull().default({}),
  },
  (t) => [primaryKey({ columns: [t.runner_id, t.minute] }), index('attempt_minutes_began_at').on(t.began_at)],
);
