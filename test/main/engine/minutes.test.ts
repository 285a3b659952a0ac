import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import type { Queryable } from '../../../src/main/database/connect.ts';
import { readLastHour } from '../../../src/main/database/statistics/last-hour.ts';
import { Minutes } from '../../../src/main/engine/minutes.ts';
import { WRITE_MINUTES } from '../../../src/main/engine/sql/minutes.ts';
import { captureEvents } from '../../support/capture-events.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';

let database: TestDatabase;
let pool: Queryable;

beforeEach(async () => {
  database = await createTestDatabase();
  pool = database.pool();
});
afterEach(() => database.drop());

const ended = (outcome: string, status: string, ran_ms = 100, waited_ms: number | null = 10) => ({
  event: 'attempt_ended' as const,
  task_id: randomUUID(),
  task_type: 'mail',
  attempt: 1,
  outcome,
  status,
  ran_ms,
  waited_ms,
});

const rows = async () => (await pool.query('select * from attempt_minutes')).rows;

test('what became of attempts is there a second later, and all of it after a stop', async () => {
  const minutes = new Minutes(randomUUID(), pool, () => {});
  minutes.note(ended('succeeded', 'completed'));
  await waitFor('the first', async () => (await rows()).length === 1);
  minutes.note(ended('failed', 'queued'));
  minutes.note(ended('timed_out', 'failed', 5000));
  minutes.note(ended('given_back', 'queued', 0, null));
  await minutes.stop();
  const { completed, failed, retried, wait_ms, run_ms } = await readLastHour(pool);
  assert.deepEqual({ completed, failed, retried }, { completed: 1, failed: 1, retried: 1 });
  assert.ok(Math.abs((wait_ms.p99 as number) - 10) < 0.5);
  assert.ok(Math.abs((run_ms.p50 as number) - 100) < 5);
  assert.ok(Math.abs((run_ms.p99 as number) - 5000) < 250);
  assert.equal((await rows()).length, 1);
});

test('nothing is written where nothing has ended', async () => {
  await new Minutes(randomUUID(), pool, () => {}).stop();
  assert.deepEqual(await rows(), []);
});

test('what cannot be written is written later', async () => {
  const { observe, of } = captureEvents();
  const broken: Queryable = {
    query: ((...asked: Parameters<Queryable['query']>) =>
      of('database_error').length === 0
        ? Promise.reject(new Error('away'))
        : pool.query(...asked)) as Queryable['query'],
  };
  const minutes = new Minutes(randomUUID(), broken, observe);
  minutes.note(ended('succeeded', 'completed'));
  await waitFor('the row', async () => (await rows()).length === 1);
  assert.equal(of('database_error')[0]?.during, 'statistics');
  await minutes.stop();
});

test('a statement that comes late takes nothing back', async () => {
  const runner = randomUUID();
  const minute = { minute: 0, failed: 0, retried: 0, wait_ms: {}, run_ms: {} };
  await pool.query(WRITE_MINUTES, [runner, JSON.stringify([{ ...minute, attempts: 5, completed: 5 }])]);
  await pool.query(WRITE_MINUTES, [runner, JSON.stringify([{ ...minute, attempts: 3, completed: 3 }])]);
  assert.equal((await readLastHour(pool)).completed, 5);
});

test('only the last hour counts', async () => {
  const minutes = new Minutes(randomUUID(), pool, () => {});
  minutes.note(ended('succeeded', 'completed'));
  await minutes.stop();
  await pool.query("update attempt_minutes set began_at = now() - interval '61 minutes'");
  assert.deepEqual(await readLastHour(pool), {
    completed: 0,
    failed: 0,
    retried: 0,
    wait_ms: { p50: null, p95: null, p99: null },
    run_ms: { p50: null, p95: null, p99: null },
  });
});
