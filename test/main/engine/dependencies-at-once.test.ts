import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import type pg from 'pg';
import { cancelByHand } from '../../../src/main/engine/by-hand.ts';
import { submit } from '../../../src/main/engine/submit.ts';
import type { TaskRow } from '../../../src/main/engine/task.ts';
import { TaskTypeCatalogue } from '../../../src/main/engine/task-types.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { begin, type Ending, endAs, endEach } from '../../support/end-as.ts';
import { expectedOf, type PlannedTask, plans, toSubmissions } from '../../support/plans.ts';
import { publishTaskTypes } from '../../support/task-types.ts';
import { waitFor } from '../../support/wait-for.ts';

/* What happens at once must not be overlooked: dependencies that end, and tasks that begin to wait for them. */

let testDatabase: TestDatabase;
let database: pg.Pool;
let catalogue: TaskTypeCatalogue;
/** In a transaction that is open. */
let other: pg.PoolClient;

beforeEach(async () => {
  testDatabase = await createTestDatabase();
  database = testDatabase.pool();
  await publishTaskTypes(database);
  catalogue = new TaskTypeCatalogue(database);
  other = await database.connect();
  await other.query('begin');
});
afterEach(async () => {
  other.release(true);
  await testDatabase.drop();
});

async function submitAs(client: pg.Pool | pg.PoolClient, depends_on: string[] = []): Promise<string> {
  const [submitted] = await submit(client, catalogue, [{ type: 'anything', depends_on }], 'test');
  return submitted?.task.id as string;
}

async function look(id: string): Promise<TaskRow> {
  const { rows } = await database.query<TaskRow>('select * from tasks where id = $1', [id]);
  return rows[0] as TaskRow;
}

async function somebodyWaits(): Promise<void> {
  await waitFor('somebody to wait for a lock', async () => {
    const { rowCount } = await database.query(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return rowCount === 1;
  });
}

/** As a settle in a transaction that is still open. */
async function completeIn(client: pg.PoolClient, id: string): Promise<void> {
  await client.query(
    "update tasks set status = 'completed', finished_at = clock_timestamp() where id = $1 and status = 'running'",
    [id],
  );
  await client.query('select heddle_release(array[$1::uuid])', [id]);
}

test('of two dependencies that complete at once, the one that is committed last releases the task', async () => {
  const [first, second] = [await submitAs(database), await submitAs(database)];
  const child = await submitAs(database, [first, second]);
  await begin(database, [first]);
  await completeIn(other, first);
  const settled = endAs(database, 'completed', [second]);
  await somebodyWaits();
  await other.query('commit');
  await settled;
  assert.equal((await look(child)).status, 'queued');
  const { rowCount } = await database.query('select from task_events where task_id = $1', [child]);
  assert.equal(rowCount, 1);
});

test('one that is rolled back has released nothing', async () => {
  const parent = await submitAs(database);
  const child = await submitAs(database, [parent]);
  await begin(database, [parent]);
  await completeIn(other, parent);
  await other.query('rollback');
  assert.equal((await look(child)).status, 'created');
  await endAs(database, 'completed', [parent]);
  assert.equal((await look(child)).status, 'queued');
});

test('a task that is submitted while its dependency is being settled waits for the settle, and need not wait then', async () => {
  const parent = await submitAs(database);
  await begin(database, [parent]);
  await completeIn(other, parent);
  const submitted = submitAs(database, [parent]);
  await somebodyWaits();
  await other.query('commit');
  assert.equal((await look(await submitted)).status, 'queued');
});

test('a settle waits for a task that is being submitted, and releases it', async () => {
  const parent = await submitAs(database);
  const child = await submitAs(other, [parent]);
  const settled = endAs(database, 'completed', [parent]);
  await somebodyWaits();
  await other.query('commit');
  await settled;
  assert.equal((await look(child)).status, 'queued');
});

test('a task that is cancelled by hand at the same moment takes those with it that are being submitted', async () => {
  const parent = await submitAs(database);
  const child = await submitAs(database, [parent]);
  const grandchild = await submitAs(other, [child]);
  const cancelled = cancelByHand(database, [parent], 'test');
  await somebodyWaits();
  await other.query('commit');
  await cancelled;
  assert.deepEqual([(await look(child)).status, (await look(grandchild)).status], ['cancelled', 'cancelled']);
});

describe('in a transaction with one snapshot, a task that completes itself is refused rather than', () => {
  let parent: string;
  beforeEach(async () => {
    parent = await submitAs(database);
    await begin(database, [parent]);
    await other.query('rollback; begin isolation level repeatable read');
  });

  const SERIALIZATION_FAILURE = { code: '40001' };

  test('overlooks a task that has begun to wait since', async () => {
    await submitAs(database, [parent]);
    await other.query('select from tasks');
    await submitAs(database, [parent]);
    await assert.rejects(completeIn(other, parent), SERIALIZATION_FAILURE);
  });

  test('takes a dependency for open that has ended since', async () => {
    const older = await submitAs(database);
    const younger = await submitAs(database);
    for (const dependency of [older, younger]) {
      const child = await submitAs(database, [parent, dependency]);
      await other.query('rollback; begin isolation level repeatable read; select from tasks');
      await endAs(database, 'completed', [dependency]);
      await assert.rejects(completeIn(other, parent), SERIALIZATION_FAILURE);
      await other.query('rollback; begin isolation level repeatable read');
      assert.equal((await look(child)).status, 'created');
    }
    await completeIn(other, parent);
    await other.query('commit');
    const { rowCount } = await database.query("select from tasks where status = 'created'");
    assert.equal(rowCount, 0);
  });
});

for (const which of ['waits for it', 'waits for one that waits for it'] as const) {
  test(`while somebody has a task locked that ${which}, it cannot be settled as failed, and everything else can`, async () => {
    const [parent, bystander] = [await submitAs(database), await submitAs(database)];
    const child = await submitAs(database, [parent]);
    const grandchild = await submitAs(database, [child]);
    const locked = which === 'waits for it' ? child : grandchild;
    await other.query('select from tasks where id = $1 for update', [locked]);
    const settled = endAs(database, 'failed', [parent, bystander]);
    await waitFor('the bystander to be settled', async () => (await look(bystander)).status === 'failed');
    assert.equal((await look(parent)).status, 'running');
    await other.query('commit');
    await settled;
    assert.deepEqual(
      [(await look(child)).status, (await look(grandchild)).status],
      ['cancelled', 'cancelled'],
    );
  });
}

test('whatever ends in whatever order and at once: every task becomes what its dependencies make of it', async () => {
  await fc.assert(
    fc.asyncProperty(plans(40, ENDINGS), async (plan) => {
      const submissions = toSubmissions(plan, 'anything', () => ({}));
      const submitted = await submit(database, catalogue, submissions, 'test');
      const ids = submitted.map(({ task }) => task.id).toReversed();
      while (await endQueued(plan, ids));
      const now = await Promise.all(ids.map(look));
      assert.deepEqual(
        now.map(({ status }) => status),
        expectedOf(plan),
      );
    }),
    { numRuns: 25 },
  );
});

const ENDINGS: Ending[] = ['completed', 'failed', 'cancelled'];

/** Ends all that is queued, in as many settles at once as there are groups. @returns whether there was anything */
async function endQueued(plan: readonly PlannedTask[], ids: readonly string[]): Promise<boolean> {
  const { rows } = await database.query<{ id: string }>(
    "select id from tasks where status = 'queued' and id = any($1)",
    [ids],
  );
  const groups = new Map<number, Map<string, Ending>>();
  for (const { id } of rows) {
    const { group, ending } = plan[ids.indexOf(id)] as PlannedTask;
    groups.set(group, (groups.get(group) ?? new Map()).set(id, ending));
  }
  await Promise.all([...groups.values()].map((endings) => endEach(database, endings)));
  return rows.length > 0;
}
