import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { pino } from 'pino';
import aggregate from '../../src/tasks/aggregate-metrics.ts';
import type { PeriodicContext } from '../../src/workers/define-task.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase | undefined;
beforeEach(async () => {
  await database?.drop();
  database = await createTestDatabase();
});
after(() => database?.drop());

const DAY_S = 86_400;

/** Noon of a day of UTC, in epoch seconds. */
function noon(daysAgo: number): number {
  return Math.floor(Date.now() / 1000 / DAY_S) * DAY_S - daysAgo * DAY_S + DAY_S / 2;
}

function dayOf(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString().slice(0, 10);
}

async function query(text: string, values: unknown[] = []) {
  return (await (database as TestDatabase).pool().query(text, values)).rows;
}

async function addSession(
  id: string,
  { at, type = 'agent', user = null, runs = null, metrics = null }: Record<string, unknown>,
): Promise<void> {
  await query(
    `insert into ai_sessions (session_id, session_type, user_id, runs, session_data, created_at)
     values ($1, $2, $3, $4, $5, $6)`,
    [id, type, user, JSON.stringify(runs), JSON.stringify({ session_metrics: metrics }), at],
  );
}

async function run(): Promise<unknown> {
  return aggregate.run({
    database: (database as TestDatabase).pool(),
    log: pino({ enabled: false }),
    progress: async () => {},
    signal: new AbortController().signal,
  } as unknown as PeriodicContext);
}

const rows = () =>
  query(`select to_char(date, 'YYYY-MM-DD') as date, completed, users_count::int, model_metrics, token_metrics,
    agent_sessions_count::int as agent_sessions, team_sessions_count::int as team_sessions,
    agent_runs_count::int as agent_runs, team_runs_count::int as team_runs
    from ai_metrics where aggregation_period = 'daily' order by date`);

test('each day since the first session gets its figures, as Agno counts them', async () => {
  const run1 = { model: 'm-1', model_provider: 'Example' };
  await addSession('a', {
    at: noon(2),
    user: 'u1',
    runs: [run1, run1, {}],
    metrics: { input_tokens: 10, output_tokens: 1 },
  });
  await addSession('b', { at: noon(2), user: 'u1', runs: [{ model: 'm-2' }], metrics: { input_tokens: 5 } });
  await addSession('c', { at: noon(2), type: 'team', user: 'u2', runs: [run1] });
  await addSession('d', { at: noon(0), user: 'u3' });
  await run();
  const [first, today, ...more] = await rows();
  assert.deepEqual(more, []);
  const { token_metrics, ...counts } = first;
  assert.deepEqual(counts, {
    date: dayOf(noon(2)),
    completed: true,
    users_count: 2,
    agent_sessions: 2,
    team_sessions: 1,
    agent_runs: 4,
    team_runs: 1,
    model_metrics: [
      { count: 3, model_id: 'm-1', model_provider: 'Example' },
      { count: 1, model_id: 'm-2', model_provider: '' },
    ],
  });
  assert.deepEqual(
    [token_metrics.input_tokens, token_metrics.output_tokens, token_metrics.reasoning_tokens],
    [15, 1, 0],
  );
  assert.deepEqual([today.date, today.completed, today.agent_sessions], [dayOf(noon(0)), false, 1]);
});

test('what has been counted for good stays, and today is counted anew', async () => {
  await addSession('a', { at: noon(1) });
  await addSession('b', { at: noon(0) });
  await run();
  await addSession('late', { at: noon(1) });
  await addSession('c', { at: noon(0) });
  assert.deepEqual(await run(), { days: [dayOf(noon(0))] });
  assert.deepEqual(
    (await rows()).map(({ agent_sessions }) => agent_sessions),
    [1, 2],
  );
});

test("a day's attempts and documents are there, too, under heddle", async () => {
  const at = new Date(noon(0) * 1000);
  await query(
    `insert into attempt_minutes (runner_id, minute, began_at, attempts, completed, failed, retried)
     values (gen_random_uuid(), 1, $1, 5, 3, 1, 1), (gen_random_uuid(), 1, $1, 2, 2, 0, 0)`,
    [at],
  );
  const sha256 = 'a'.repeat(64);
  await query(
    `with d as (
       insert into documents (title, media_type, bytes, sha256, created_at)
       values ('t', 'application/pdf', 1000, $2, $1) returning id)
     insert into parsed_documents (document_id, status, pages, characters) select id, 'ready', 3, 500 from d`,
    [at, sha256],
  );
  await run();
  const [today] = await rows();
  assert.deepEqual(today.token_metrics.heddle, {
    tasks: { attempts: 7, completed: 5, failed: 1, retried: 1 },
    documents: { uploaded: 1, bytes: 1000, pages: 3, characters: 500, failed: 0 },
  });
});

test('JSON that is not as it should be counts as nothing', async () => {
  await addSession('a', { at: noon(0), runs: { not: 'a list' }, metrics: { input_tokens: 'many' } });
  await addSession('b', { at: noon(0), runs: [1, 'x', null], metrics: [] });
  await run();
  const [today] = await rows();
  assert.deepEqual([today.agent_sessions, today.agent_runs, today.token_metrics.input_tokens], [2, 3, 0]);
});

test('a database in which nothing happens gets no rows', async () => {
  await run();
  assert.deepEqual(await rows(), []);
});
