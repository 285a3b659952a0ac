import { sql } from 'drizzle-orm';
import { customType, index, pgTable, smallint, text, timestamp } from 'drizzle-orm/pg-core';

const instant = () => timestamp({ withTimezone: true });
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/** What was answered to requests that had an Idempotency-Key, committed together with what they did. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    /** SHA-256 of who asked, the route and the key. */
    id: bytea().primaryKey(),
    /** SHA-256 of the request's body: the same key with another one is a mistake. */
    fingerprint: bytea().notNull(),
    status: smallint().notNull(),
    location: text(),
    /** JSON, as it was sent. */
    body: text().notNull(),
    created_at: instant().notNull().default(sql`now()`),
    /** The first caller still waits for the task, at most until then: the answer may change. */
    pending_until: instant(),
  },
  (t) => [index('idempotency_keys_created_at').on(t.created_at)],
);
