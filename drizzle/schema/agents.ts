import { bigint, boolean, date, index, jsonb, pgTable, text, unique, varchar } from 'drizzle-orm/pg-core';

/*
 * The tables that agents (Agno) share with Heddle, with Agno's own columns: times are epoch seconds, and defaults
 * are the writer's business, so there is no DEFAULT here. They come in the first migration, because later ones may
 * refer to them.
 */

export const aiSessions = pgTable(
  'ai_sessions',
  {
    session_id: varchar().primaryKey(),
    session_type: varchar().notNull(),
    agent_id: varchar(),
    team_id: varchar(),
    workflow_id: varchar(),
    user_id: varchar(),
    session_data: jsonb(),
    agent_data: jsonb(),
    team_data: jsonb(),
    workflow_data: jsonb(),
    metadata: jsonb(),
    runs: jsonb(),
    summary: jsonb(),
    created_at: bigint({ mode: 'number' }).notNull(),
    updated_at: bigint({ mode: 'number' }),
  },
  (t) => [
    index('idx_ai_sessions_session_type').on(t.session_type),
    index('idx_ai_sessions_created_at').on(t.created_at),
  ],
);

export const aiMemories = pgTable(
  'ai_memories',
  {
    memory_id: varchar().primaryKey(),
    memory: jsonb().notNull(),
    feedback: text(),
    input: text(),
    agent_id: varchar(),
    team_id: varchar(),
    user_id: varchar(),
    topics: jsonb(),
    created_at: bigint({ mode: 'number' }).notNull(),
    updated_at: bigint({ mode: 'number' }),
  },
  (t) => [
    index('idx_ai_memories_user_id').on(t.user_id),
    index('idx_ai_memories_created_at').on(t.created_at),
    index('idx_ai_memories_updated_at').on(t.updated_at),
  ],
);

export const aiMetrics = pgTable(
  'ai_metrics',
  {
    id: varchar().primaryKey(),
    agent_runs_count: bigint({ mode: 'number' }).notNull(),
    team_runs_count: bigint({ mode: 'number' }).notNull(),
    workflow_runs_count: bigint({ mode: 'number' }).notNull(),
    agent_sessions_count: bigint({ mode: 'number' }).notNull(),
    team_sessions_count: bigint({ mode: 'number' }).notNull(),
    workflow_sessions_count: bigint({ mode: 'number' }).notNull(),
    users_count: bigint({ mode: 'number' }).notNull(),
    token_metrics: jsonb().notNull(),
    model_metrics: jsonb().notNull(),
    date: date().notNull(),
    aggregation_period: varchar().notNull(),
    created_at: bigint({ mode: 'number' }).notNull(),
    updated_at: bigint({ mode: 'number' }),
    completed: boolean().notNull(),
  },
  (t) => [
    unique('ai_metrics_uq_metrics_date_period').on(t.date, t.aggregation_period),
    index('idx_ai_metrics_date').on(t.date),
  ],
);

export const aiVersions = pgTable(
  'ai_versions',
  {
    table_name: varchar().primaryKey(),
    version: varchar().notNull(),
    created_at: varchar().notNull(),
    updated_at: varchar(),
  },
  (t) => [index('idx_ai_versions_created_at').on(t.created_at)],
);
