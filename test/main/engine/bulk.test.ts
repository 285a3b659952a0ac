import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type pg from 'pg';
import { transaction } from '../../../src/main/database/connect.ts';
import { orm } from '../../../src/main/database/orm.ts';
import { walkTasks } from '../../../src/main/database/task-walk.ts';
import { type Bulk, cancelMatching, runMatching } from '../../../src/main/engine/bulk.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { startTestEngine } from '../../support/engine.ts';
import { waitFor } from '../../support/wait-for.ts';

let testDatabase: TestDatabase;
let database: pg.Pool;
before(async () => {
  testDatabase = await createTestDatabase();
  database = testDatabase.pool();
});
after(() => testDatabase?.drop());
beforeEach(() => database.query('delete from tasks'));

/** @returns their ids, oldest first */
async function add(count: number, status = 'queued', key: string | null = null): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>(
    `insert into tasks (type, status, unique_key) select 'no-op', $2, $3 from generate_series(1, $1) returning id`,
    [count, status, key],
  );
  return rows.map(({ id }) => id).sort();
}

function bulk(filter: Bulk['filter'], signal = new AbortController().signal): Bulk {
  return { filter, dryRun: false, actor: 'test', signal };
}

describe('a walk through the tasks', () => {
  it('comes by each of them once, the oldest first, in chunks', async () => {
    const ids = await add(3500);
    const chunks: string[][] = [];
    for await (const chunk of walkTasks(orm(database), {}, 300)) chunks.push(chunk);
    assert.deepEqual(chunks.flat(), ids);
    assert.ok(chunks.every(({ length }) => length > 0 && length <= 300));
  });

  it('does not come by those that are submitted after its begin', async () => {
    const ids = await add(3);
    const seen: string[] = [];
    for await (const chunk of walkTasks(orm(database), {}, 1)) {
      seen.push(...chunk);
      await add(2000);
    }
    assert.deepEqual(seen, ids);
  });

  it('of nothing has no chunks', async () => {
    await add(1);
    for await (const chunk of walkTasks(orm(database), { type: 'other' }, 10)) assert.fail(chunk.join());
  });
});

describe('a bulk', () => {
  it('runs all others when the same work as that of one is submitted at this very moment', async () => {
    await add(700, 'failed');
    const [rival = ''] = await add(1, 'failed', 'rival');
    await add(700, 'failed');
    const running = await transaction(database, async (client) => {
      await client.query(`insert into tasks (type, status, unique_key) values ('no-op', 'queued', 'rival')`);
      const counts = runMatching(database, bulk({ status: ['failed'] }));
      await waitFor('it to wait for the rival', isWaiting);
      return { counts };
    });
    assert.deepEqual(await running.counts, { matched: 1401, changed: 1400 });
    const { rows } = await database.query(`select id from tasks where status = 'failed'`);
    assert.deepEqual(rows, [{ id: rival }]);
  });

  it('ends after the chunk that is under way when it is told to', async () => {
    await add(4500, 'failed');
    const told = new AbortController();
    const client = await database.connect();
    try {
      client.on('notification', () => told.abort());
      await client.query('listen heddle_due');
      const counts = await runMatching(database, bulk({ type: 'no-op' }, told.signal));
      assert.ok(counts.changed >= 1000 && counts.changed < 4500, `${counts.changed} changed`);
      assert.equal(counts.matched, counts.changed);
      const { rows } = await database.query(`select count(*)::int from tasks where status = 'queued'`);
      assert.deepEqual(rows, [{ count: counts.changed }]);
    } finally {
      client.release(true);
    }
  });

  async function isWaiting(): Promise<boolean> {
    const { rowCount } = await database.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rowCount === 1;
  }
});

describe('a bulk while a runner claims', () => {
  it('cancels each task once or lets it complete, and loses none', async () => {
    const heddle = await startTestEngine({ threads: 2, closed: true });
    try {
      const ids = await heddle.submitAll('no-op', Array(6000).fill({}));
      heddle.engine.open();
      await waitFor('the first to be completed', async () => (await ended('completed')) > 0);
      const counts = await cancelMatching(heddle.pool, bulk({ type: 'no-op' }));
      assert.equal(counts.matched, ids.length);
      await waitFor('the last to end', async () => (await ended('completed', 'cancelled')) === ids.length);
      const { rows } = await heddle.pool.query(HISTORIES);
      assert.equal(rows.length, counts.changed);
      assert.ok(counts.changed > 0 && rows.every(({ events }) => events === 1));
      assert.equal(await ended('cancelled'), rows.filter(({ status }) => status === 'cancelled').length);
      const waiting = rows.filter(({ from_status }) => from_status === 'queued');
      assert.ok(waiting.every(({ status, started_at }) => status === 'cancelled' && started_at === null));
    } finally {
      await heddle.stop();
    }

    async function ended(...statuses: string[]): Promise<number> {
      const { rows } = await heddle.pool.query(
        'select count(*)::int from tasks where status = any($1::text[])',
        [statuses],
      );
      return rows[0].count;
    }
  });
});

const HISTORIES = `
select status, started_at, count(*)::int as events, min(from_status) as from_status
from tasks t join task_events on task_id = t.id
group by t.id`;
