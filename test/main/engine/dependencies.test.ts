import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type pg from 'pg';
import { transaction } from '../../../src/main/database/connect.ts';
import type { VisibleTask } from '../../../src/main/database/tasks.ts';
import { cancelByHand, deleteByHand, runByHand } from '../../../src/main/engine/by-hand.ts';
import { SubmissionError } from '../../../src/main/engine/submission-error.ts';
import { type Submission, submit } from '../../../src/main/engine/submit.ts';
import type { TaskRow } from '../../../src/main/engine/task.ts';
import { TaskTypeCatalogue } from '../../../src/main/engine/task-types.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { begin, type Claimed, type Ending, endAs, settle } from '../../support/end-as.ts';
import { publishTaskTypes } from '../../support/task-types.ts';

let testDatabase: TestDatabase;
let database: pg.Pool;
let catalogue: TaskTypeCatalogue;
before(async () => {
  testDatabase = await createTestDatabase();
  database = testDatabase.pool();
  await publishTaskTypes(database);
  catalogue = new TaskTypeCatalogue(database);
});
after(() => testDatabase?.drop());

type Wish = Partial<Submission>;

async function submitAll(...wishes: Wish[]): Promise<VisibleTask[]> {
  const submissions = wishes.map((wish) => ({ type: 'anything', ...wish }));
  return (await submit(database, catalogue, submissions, 'test')).map(({ task }) => task);
}

async function submitOne(wish: Wish = {}): Promise<VisibleTask> {
  const [task] = await submitAll(wish);
  return task as VisibleTask;
}

async function parents(count: number): Promise<string[]> {
  return (await submitAll(...Array.from({ length: count }, () => ({})))).map(({ id }) => id);
}

async function look(id: string): Promise<TaskRow> {
  const { rows } = await database.query<TaskRow>('select * from tasks where id = $1', [id]);
  return rows[0] as TaskRow;
}

async function statusOf(...ids: string[]): Promise<string[]> {
  return Promise.all(ids.map(async (id) => (await look(id)).status));
}

async function faultsOf(...wishes: Wish[]): Promise<string[]> {
  const error = await submitAll(...wishes).then(
    () => assert.fail('was accepted'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof SubmissionError, String(error));
  return error.faults.map(({ index, pointer, detail }) => `${index}${pointer} ${detail}`);
}

const end = (ending: Ending, ...ids: string[]) => endAs(database, ending, ids);

describe('a task with dependencies', () => {
  it('is created, and queued when the last one has completed', async () => {
    const [first, second] = (await parents(2)) as [string, string];
    const child = await submitOne({ depends_on: [second, first, second.toUpperCase()] });
    assert.deepEqual([child.status, child.depends_on], ['created', [second, first]]);
    await end('completed', second);
    assert.equal((await look(child.id)).status, 'created');
    await end('completed', first);
    const now = await look(child.id);
    assert.deepEqual([now.status, now.attempt, now.error], ['queued', 0, null]);
    const ended = (await look(first)).updated_at.getTime();
    assert.ok(now.run_at.getTime() >= ended, 'it is due from now, and overtakes nobody');
  });

  it('is told in its history', async () => {
    const [parent] = (await parents(1)) as [string];
    const { id } = await submitOne({ depends_on: [parent] });
    await end('completed', parent);
    const { rows } = await database.query(
      'select from_status, to_status, actor, detail from task_events where task_id = $1',
      [id],
    );
    assert.deepEqual(rows, [
      {
        from_status: 'created',
        to_status: 'queued',
        actor: 'dependencies',
        detail: 'all dependencies have ended',
      },
    ]);
  });

  it('keeps a run_at that is later', async () => {
    const [parent] = (await parents(1)) as [string];
    const run_at = new Date(Date.now() + 3_600_000);
    const { id } = await submitOne({ depends_on: [parent], run_at });
    await end('completed', parent);
    const now = await look(id);
    assert.deepEqual([now.status, now.run_at], ['queued', run_at]);
  });

  it('wakes the runners when it is queued', async () => {
    const [parent] = (await parents(1)) as [string];
    await submitOne({ depends_on: [parent] });
    const client = await database.connect();
    try {
      const heard = new Promise((resolve) => client.once('notification', resolve));
      await client.query('listen heddle_due');
      await end('completed', parent);
      assert.deepEqual(((await heard) as { payload: string }).payload, '0');
    } finally {
      client.release(true);
    }
  });

  it('with run_immediately false stays created, and is run by hand when they have ended', async () => {
    const [parent] = (await parents(1)) as [string];
    const { id } = await submitOne({ depends_on: [parent], run_immediately: false });
    assert.deepEqual(await runByHand(database, [id], 'test'), []);
    await end('completed', parent);
    assert.equal((await look(id)).status, 'created');
    assert.deepEqual(await runByHand(database, [id], 'test'), [id]);
    assert.equal((await look(id)).status, 'queued');
  });

  it('is queued at once when all have completed already', async () => {
    const [parent] = (await parents(1)) as [string];
    await end('completed', parent);
    assert.equal((await submitOne({ depends_on: [parent] })).status, 'queued');
  });

  it('is cancelled at once when one has ended badly already, and runs all the same if it wants so', async () => {
    const [failed, other] = (await parents(2)) as [string, string];
    await end('failed', failed);
    const cancelled = await submitOne({ depends_on: [other, failed] });
    assert.deepEqual(
      [cancelled.status, cancelled.attempt, cancelled.error],
      ['cancelled', 0, `dependency ${failed} of type anything failed`],
    );
    assert.match(cancelled.finished_at ?? '', /Z$/);
    const runs = await submitOne({ depends_on: [failed], on_dependency_failure: 'run' });
    assert.equal(runs.status, 'queued');
  });

  it('does not move while one of them is to be retried', async () => {
    const [parent] = (await parents(1)) as [string];
    const { id } = await submitOne({ depends_on: [parent] });
    const error = { name: 'Error', message: 'not yet' };
    const [task] = (await begin(database, [parent])) as [Claimed];
    await settle(database, [{ task, outcome: { name: 'failed', error } }]);
    assert.deepEqual(await statusOf(parent, id), ['queued', 'created']);
  });

  it('is not submitted when one of them does not exist', async () => {
    const [parent] = (await parents(1)) as [string];
    const nobody = randomUUID();
    assert.deepEqual(await faultsOf({}, { depends_on: [parent, nobody], unique_key: 'orphan' }), [
      `1/depends_on/1 there is no task '${nobody}'`,
    ]);
    const { rowCount } = await database.query("select from tasks where unique_key = 'orphan'");
    assert.equal(rowCount, 0);
    assert.equal((await look(parent)).has_dependants, false);
  });

  it('is committed with the transaction it is submitted in', async () => {
    const [parent] = (await parents(1)) as [string];
    let child = '';
    const rolledBack = transaction(database, async (client) => {
      const submission = { type: 'anything', depends_on: [parent] };
      const [submitted] = await submit(client, catalogue, [submission], 'test');
      child = submitted?.task.id as string;
      throw new Error('changed my mind');
    });
    await assert.rejects(rolledBack, /changed my mind/);
    assert.equal(await look(child), undefined);
  });
});

describe('in a batch', () => {
  it('a task depends on another one of it, also a later one', async () => {
    const [last, middle, first] = (await submitAll({ depends_on: ['#1'] }, { depends_on: ['#2'] }, {})) as [
      VisibleTask,
      VisibleTask,
      VisibleTask,
    ];
    assert.deepEqual([last.status, middle.status, first.status], ['created', 'created', 'queued']);
    assert.deepEqual([last.depends_on, middle.depends_on], [[middle.id], [first.id]]);
    await end('completed', first.id);
    assert.deepEqual(await statusOf(middle.id, last.id), ['queued', 'created']);
  });

  it('what depends on one that is cancelled at once is cancelled, too', async () => {
    const [failed] = (await parents(1)) as [string];
    await end('failed', failed);
    const [middle, last] = await submitAll({ depends_on: [failed] }, { depends_on: ['#0'] });
    assert.deepEqual([middle?.status, last?.status], ['cancelled', 'cancelled']);
    assert.equal(last?.error, `dependency ${middle?.id} of type anything was cancelled`);
  });

  it('a task that was there already is meant by its number, and keeps its own dependencies', async () => {
    const [parent, other] = (await parents(2)) as [string, string];
    const there = await submitOne({ unique_key: 'there', depends_on: [parent] });
    const again = { unique_key: 'there', depends_on: [other] };
    const [same, child] = await submitAll(again, { depends_on: ['#0'] });
    assert.equal(same?.id, there.id);
    assert.deepEqual([(await look(there.id)).depends_on, child?.depends_on], [[parent], [there.id]]);
    await end('completed', parent);
    assert.deepEqual(await statusOf(there.id, child?.id as string), ['queued', 'created']);
  });

  it('no task waits for itself, and none in a circle', async () => {
    assert.deepEqual(await faultsOf({ depends_on: ['#0'] }), [
      '0/depends_on/0 a task cannot depend on itself',
    ]);
    assert.deepEqual(
      await faultsOf({}, { depends_on: ['#0', '#3'] }, { depends_on: ['#1'] }, { depends_on: ['#2'] }),
      ['1/depends_on/1 goes in a circle: #1 → #3 → #2 → #1'],
    );
  });

  it('no circle closes because two of it are the same work', async () => {
    const same = { unique_key: 'same work' };
    assert.deepEqual(await faultsOf({ ...same, depends_on: ['#1'] }, { depends_on: ['#2'] }, same), [
      '0/depends_on/0 goes in a circle: #0 → #1 → #0',
    ]);
  });

  it('there are no others than those of it', async () => {
    assert.deepEqual(await faultsOf({ depends_on: ['#1'] }), ['0/depends_on/0 is not part of a batch']);
    assert.deepEqual(await faultsOf({}, { depends_on: ['#0', '#2'] }), [
      '1/depends_on/1 there are only 2 tasks in this batch',
    ]);
  });
});

describe('a dependency that ends badly', () => {
  for (const [ending, how] of [
    ['failed', 'failed'],
    ['cancelled', 'was cancelled'],
  ] as const) {
    it(`when it ${how}, takes those with it that wait for it, and those that wait for them`, async () => {
      const [parent, other] = (await parents(2)) as [string, string];
      const child = await submitOne({ depends_on: [other, parent] });
      const grandchild = await submitOne({ depends_on: [child.id] });
      const runs = await submitOne({ depends_on: [child.id], on_dependency_failure: 'run' });
      await end(ending, parent);
      const [one, two] = [await look(child.id), await look(grandchild.id)];
      assert.deepEqual(
        [one.status, one.attempt, one.error],
        ['cancelled', 0, `dependency ${parent} of type anything ${how}`],
      );
      assert.deepEqual(
        [two.status, two.attempt, two.error],
        ['cancelled', 0, `dependency ${child.id} of type anything was cancelled`],
      );
      assert.deepEqual(await statusOf(runs.id, other), ['queued', 'queued']);
      await end('completed', other);
      assert.equal((await look(child.id)).status, 'cancelled');
    });
  }

  it('is waited for all the same by a task that runs in any case', async () => {
    const [failed, other] = (await parents(2)) as [string, string];
    const { id } = await submitOne({ depends_on: [failed, other], on_dependency_failure: 'run' });
    await end('failed', failed);
    assert.equal((await look(id)).status, 'created');
    await end('completed', other);
    assert.equal((await look(id)).status, 'queued');
  });

  it('by a hand that cancels it, is one', async () => {
    const [parent] = (await parents(1)) as [string];
    const child = await submitOne({ depends_on: [parent] });
    const grandchild = await submitOne({ depends_on: [child.id] });
    const cancelled = await cancelByHand(database, [parent, child.id], 'test');
    assert.deepEqual(new Set(cancelled), new Set([parent, child.id]));
    assert.deepEqual(
      [(await look(child.id)).error, (await look(grandchild.id)).error],
      ['cancelled by test', `dependency ${child.id} of type anything was cancelled`],
    );
  });

  it('ends a chain of 10,000 in one go', async (t) => {
    const { rows } = await database.query<{ first: string }>(CHAIN, [10_000]);
    const startedAt = performance.now();
    await end('failed', rows[0]?.first as string);
    t.diagnostic(`it took ${Math.round(performance.now() - startedAt)} ms`);
    const { rows: left } = await database.query(
      "select status, count(*)::int as count from tasks where description = 'chain' group by status order by status",
    );
    assert.deepEqual(left, [
      { status: 'cancelled', count: 9999 },
      { status: 'failed', count: 1 },
    ]);
  });
});

describe('running anew', () => {
  it('brings no task back that was cancelled with its dependency', async () => {
    const [parent] = (await parents(1)) as [string];
    const { id } = await submitOne({ depends_on: [parent] });
    await end('failed', parent);
    await runByHand(database, [parent], 'test');
    await end('completed', parent);
    assert.equal((await look(id)).status, 'cancelled');
  });

  it('needs all dependencies to have ended, however they did', async () => {
    const [failed, other] = (await parents(2)) as [string, string];
    const { id } = await submitOne({ depends_on: [failed, other] });
    await end('failed', failed);
    assert.deepEqual(await runByHand(database, [id], 'test'), []);
    await end('completed', other);
    await runByHand(database, [failed], 'test');
    assert.deepEqual(await runByHand(database, [id], 'test'), [], 'one of them runs anew');
    await end('failed', failed);
    assert.deepEqual(await runByHand(database, [id], 'test'), [id]);
    assert.deepEqual([(await look(id)).status, (await look(id)).error], ['queued', null]);
  });

  it('of many leaves those alone that still wait', async () => {
    const [parent] = (await parents(1)) as [string];
    const { id } = await submitOne({ depends_on: [parent] });
    const held = await submitOne({ run_immediately: false });
    assert.deepEqual(await runByHand(database, [id, held.id, parent], 'test'), [parent, held.id].sort());
  });
});

describe('a dependency stays', () => {
  it('for as long as an unfinished task has it', async () => {
    const [parent] = (await parents(1)) as [string];
    const { id } = await submitOne({ depends_on: [parent] });
    await end('completed', parent);
    assert.deepEqual(await deleteByHand(database, [parent]), []);
    await end('completed', id);
    assert.deepEqual(await deleteByHand(database, [parent]), [parent]);
    assert.deepEqual((await look(id)).depends_on, [parent], 'its name stays');
  });

  it('also when the task is submitted while it is being deleted', async () => {
    const [parent] = (await parents(1)) as [string];
    await end('completed', parent);
    const { deleting } = await transaction(database, async (client) => {
      await submit(client, catalogue, [{ type: 'anything', depends_on: [parent] }], 'test');
      return { deleting: deleteByHand(database, [parent]) };
    });
    assert.deepEqual(await deleting, []);
  });
});

/** $1 how many tasks in a chain, each of which waits for the one before. */
const CHAIN = `
with ids as (select heddle_uuid_v7() as id, n from generate_series(1, $1::int) as n),
inserted as (
  insert into tasks (id, type, description, status, has_dependants)
  select id, 'anything', 'chain', case n when 1 then 'queued' else 'created' end, true from ids
),
linked as (
  insert into task_dependencies (task_id, depends_on)
  select id, before from (select id, lag(id) over (order by n) as before from ids) i where before is not null
)
select id as first from ids where n = 1`;
