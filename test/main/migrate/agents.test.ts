import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../../support/database.ts';

/*
 * Rows as Agno's PostgreSQL storage writes them: every column is named, times are epoch seconds, and JSON comes as
 * text that PostgreSQL turns into jsonb.
 */

const SESSION = {
  session_id: '7f8e0a53-7c39-4d2b-9bb5-b1a1a3f5a0e1',
  session_type: 'agent',
  agent_id: 'support-agent',
  team_id: null,
  workflow_id: null,
  user_id: 'user@example.com',
  session_data: { session_state: { step: 2 }, session_metrics: { input_tokens: 120 } },
  agent_data: { agent_id: 'support-agent', name: 'Support', model: { id: 'model-1', provider: 'Example' } },
  team_data: null,
  workflow_data: null,
  metadata: { source: 'web' },
  runs: [{ run_id: 'r1', status: 'COMPLETED', messages: [{ role: 'user', content: 'Grüße' }] }],
  summary: { summary: 'A greeting.', topics: ['greeting'] },
  created_at: 1767225600,
  updated_at: 1767225601,
};

const MEMORY = {
  memory_id: 'd9c5b2a0-5d0a-4a55-8c29-5fd1f9f1a001',
  memory: 'Likes short answers',
  feedback: null,
  input: 'Please be brief',
  agent_id: 'support-agent',
  team_id: null,
  user_id: 'user@example.com',
  topics: ['style'],
  created_at: 1767225600,
  updated_at: 1767225600,
};

const METRICS = {
  id: '0c0cd1ae-6de4-4f4c-95a5-6a5a0bd2d001',
  agent_runs_count: 3,
  team_runs_count: 0,
  workflow_runs_count: 0,
  agent_sessions_count: 1,
  team_sessions_count: 0,
  workflow_sessions_count: 0,
  users_count: 1,
  token_metrics: { input_tokens: 120, output_tokens: 30, total_tokens: 150 },
  model_metrics: [{ model_id: 'model-1', model_provider: 'Example', count: 3 }],
  date: '2026-01-01',
  aggregation_period: 'daily',
  created_at: 1767225600,
  updated_at: 1767225600,
  completed: false,
};

const VERSION = {
  table_name: 'ai_sessions',
  version: '2.5.6',
  created_at: '2026-01-01T00:00:00',
  updated_at: null,
};

const ROWS = [
  {
    table: 'ai_sessions',
    key: 'session_id',
    row: SESSION,
    json: ['session_data', 'agent_data', 'metadata', 'runs', 'summary'],
  },
  { table: 'ai_memories', key: 'memory_id', row: MEMORY, json: ['memory', 'topics'] },
  { table: 'ai_metrics', key: 'id', row: METRICS, json: ['token_metrics', 'model_metrics'] },
  { table: 'ai_versions', key: 'table_name', row: VERSION, json: [] },
];

test('a row as Agno writes it goes in, is overwritten by the next write, and comes out the same', async (t) => {
  const database = await createTestDatabase();
  t.after(() => database.drop());
  for (const { table, key, row, json } of ROWS) {
    const columns = Object.keys(row);
    const upsert = `insert into ${table} (${columns.join(', ')})
      values (${columns.map((_, at) => `$${at + 1}`).join(', ')})
      on conflict (${key}) do update set ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}`;
    const values = Object.entries(row).map(([name, value]) =>
      (json as string[]).includes(name) ? JSON.stringify(value) : value,
    );
    await database.pool().query(upsert, values);
    await database.pool().query(upsert, values);
    const { rows } = await database
      .pool()
      .query(`select to_json(t) as stored from ${table} t where ${key} = $1`, [values[columns.indexOf(key)]]);
    assert.deepEqual(rows, [{ stored: row }], table);
  }
});

test('the tables of the agents have the columns that Agno writes, and no others', async (t) => {
  const database = await createTestDatabase();
  t.after(() => database.drop());
  for (const { table, row } of ROWS) {
    const { rows } = await database
      .pool()
      .query('select column_name from information_schema.columns where table_name = $1', [table]);
    assert.deepEqual(rows.map(({ column_name }) => column_name).sort(), Object.keys(row).sort(), table);
  }
});
