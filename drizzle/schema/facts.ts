import { sql } from 'drizzle-orm';
import { index, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

const instant = () => timestamp({ withTimezone: true });

/** What tasks and people found out: a text with tags, as SeedCore has it. */
export const facts = pgTable(
  'facts',
  {
    id: uuid().primaryKey().default(sql`heddle_uuid_v7()`),
    text: text().notNull(),
    tags: text().array().notNull().default(sql`'{}'`),
    meta_data: jsonb().notNull().default({}),
    produced_by_task_id: uuid(),
    created_at: instant().notNull().default(sql`now()`),
    updated_at: instant().notNull().default(sql`now()`),
  },
  (t) => [index('facts_tags').using('gin', t.tags)],
);
