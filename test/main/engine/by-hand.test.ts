import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type pg from 'pg';
import { transaction } from '../../../src/main/database/connect.ts';
import { cancelByHand } from '../../../src/main/engine/by-hand.ts';
import type { Status, TaskRow } from '../../../src/main/engine/task.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { putInto } from '../../support/task-states.ts';
import { waitFor } from '../../support/wait-for.ts';

describe('cancelling a task that is claimed at this very moment', () => {
  let testDatabase: TestDatabase;
  let database: pg.Pool;
  before(async () => {
    testDatabase = await createTestDatabase();
    database = testDatabase.pool();
  });
  after(() => testDatabase?.drop());

  it('waits for the claim, and asks the task to end', async () => {
    const { id, changed } = await cancelWhileClaimed();
    assert.deepEqual(changed, [id]);
    const { rows } = await database.query<TaskRow>('select * from tasks where id = $1', [id]);
    assert.deepEqual([rows[0]?.status, rows[0]?.attempt], ['running', 1]);
    assert.ok(rows[0]?.cancel_requested_at);
  });

  it('leaves it alone when only waiting ones are meant', async () => {
    const { id, changed } = await cancelWhileClaimed(['created', 'queued']);
    assert.deepEqual(changed, []);
    assert.deepEqual(await cancelByHand(database, [id], 'test', ['running']), [id]);
  });

  async function cancelWhileClaimed(statuses?: Status[]): Promise<{ id: string; changed: string[] }> {
    const { rows } = await database.query(
      `insert into tasks (type, status) values ('a', 'queued') returning id`,
    );
    const id: string = rows[0].id;
    const { cancelled } = await transaction(database, async (client) => {
      await putInto(client, id, 'running');
      const cancelled = cancelByHand(database, [id], 'test', statuses);
      await waitFor('it to wait for the claim', isWaiting);
      return { cancelled };
    });
    return { id, changed: await cancelled };
  }

  async function isWaiting(): Promise<boolean> {
    const { rowCount } = await database.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rowCount === 1;
  }
});
