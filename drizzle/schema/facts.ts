import { sql } from 'drizzle-orm';
import { customType, index, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

const instant = () => timestamp({ withTimezone: true });
const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' });

/** In kilobytes. Every search reads through the list of what is not in the index proper yet. */
const SHORT_LIST = { gin_pending_list_limit: 256 };

/** What tasks and people found out: a text with tags, as SeedCore has it. */
export const facts = pgTable(
  'facts',
  {
    id: uuid().primaryKey().default(sql`heddle_uuid_v7()`),
    text: text().notNull(),
    tags: text().array().notNull().default(sql`'{}'`),
    meta_data: jsonb().$type<Record<string, unknown>>().notNull().default({}),
    /** No foreign key: tasks are pruned, what they found out stays. */
    produced_by_task_id: uuid(),
    created_at: instant().notNull().default(sql`now()`),
    updated_at: instant().notNull().default(sql`now()`),

    // What only searches read. Stored, because they are also looked at where an index does not help: to make them
    // anew for every row that is passed by costs ten times as much.
    words: tsvector().generatedAlwaysAs(sql`to_tsvector('english', text)`),
    /** Text and metadata in lower case. */
    searchable: text().generatedAlwaysAs(sql`lower(text || chr(10) || meta_data::text)`),
  },
  (t) => [
    index('facts_tags').using('gin', t.tags),
    index('facts_words').using('gin', t.words).with(SHORT_LIST),
    index('facts_searchable').using('gin', t.searchable.op('gin_trgm_ops')).with(SHORT_LIST),
  ],
);
