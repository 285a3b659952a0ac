import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { cancelByHand } from '../../src/main/engine/by-hand.ts';
import { FaultBench } from '../support/fault-bench.ts';
import { waitFor } from '../support/wait-for.ts';

/* A task's effect in the database, with and without `complete`, when its process or its thread is killed on the way. */

const BEFORE_COMMIT = ['began', 'inserted', 'completed'] as const;
const AFTER_COMMIT = ['committed', 'returned'] as const;

/** A machine that stands still for two seconds must not cost these runners their lease: what ends the attempt is the test's. */
const PATIENT = { LEASE_SECONDS: '8' };

let bench: FaultBench;

before(async () => {
  bench = await FaultBench.open();
  await bench.query('create table effects (task_id uuid, attempt int)');
  await bench.query('create table steps (task_id uuid, attempt int, step text)');
});

after(() => bench.close());

describe('a runner is killed with a task at each of its steps, and another one is started', () => {
  const completing = new Map<string, string>();
  const plain = new Map<string, string>();

  before(async () => {
    const killed = await bench.runner({ THREADS: '8' });
    for (const step of [...BEFORE_COMMIT, ...AFTER_COMMIT]) {
      completing.set(step, await walk({ stayAt: step, completes: true }));
    }
    for (const step of ['began', 'inserted', 'returned']) {
      plain.set(step, await walk({ stayAt: step, completes: false }));
    }
    for (const [step, id] of [...completing, ...plain]) await atStep(id, step);
    await bench.kill(killed);
    await bench.runner();
  });

  after(() => bench.endAll());

  for (const step of BEFORE_COMMIT) {
    test(`completing itself, at '${step}': nothing was committed, so that it runs again`, async () => {
      const id = completing.get(step) as string;
      const task = await bench.finished(id);
      assert.deepEqual([task.status, task.attempt, task.result], ['completed', 2, { by: 2 }]);
      assert.deepEqual(await effects(id), [2]);
      assert.deepEqual(await bench.outcomes(id), ['lost']);
    });
  }

  for (const step of AFTER_COMMIT) {
    test(`completing itself, at '${step}': it is completed, and does not run again`, async () => {
      const id = completing.get(step) as string;
      const task = await bench.finished(id);
      assert.deepEqual([task.status, task.attempt, task.result], ['completed', 1, { by: 1 }]);
      assert.deepEqual(await effects(id), [1]);
      assert.deepEqual(await bench.outcomes(id), []);
    });
  }

  test('not completing itself, before its effect: it runs again', async () => {
    const id = plain.get('began') as string;
    assert.equal((await bench.finished(id)).status, 'completed');
    assert.deepEqual(await effects(id), [2]);
    assert.deepEqual(await bench.outcomes(id), ['lost']);
  });

  for (const step of ['inserted', 'returned']) {
    test(`not completing itself, at '${step}': its effect is there twice, and the lost attempt says why`, async () => {
      const id = plain.get(step) as string;
      const task = await bench.finished(id);
      assert.deepEqual([task.status, task.attempt, task.result], ['completed', 2, { by: 2 }]);
      assert.deepEqual(await effects(id), [1, 2]);
      assert.deepEqual(await bench.outcomes(id), ['lost']);
    });
  }

  test('a loss is told by the API: as an attempt, and as a change by the rescue', async () => {
    const api = bench.heddle('api');
    const url = await waitFor('the API', () => api.events('api_listening')[0]?.url as string | undefined);
    const id = plain.get('returned') as string;
    await bench.finished(id);
    const attempts = await items(`${url}/api/v1/tasks/${id}/attempts`);
    assert.deepEqual(
      attempts.map(({ attempt, outcome }) => [attempt, outcome]),
      [
        [1, 'lost'],
        [2, 'succeeded'],
      ],
    );
    const [lost] = attempts as [{ error: { message: string } }];
    assert.match(lost.error.message, /^lost: runner \S+ died/);
    const events = await items(`${url}/api/v1/tasks/${id}/events`);
    const rescue = events.find(({ actor }) => actor === 'rescue');
    assert.deepEqual([rescue?.from, rescue?.to, rescue?.attempt], ['running', 'queued', 1]);
    assert.match(rescue?.detail as string, /^lost: runner \S+ died/);
    assert.equal(await api.stop(), 0);
  });
});

describe('an attempt is ended at a moment that counts', () => {
  afterEach(() => bench.endAll());

  test('killed while its settle is on the way: one end of the attempt counts, and explains that it runs again', async () => {
    const killed = await bench.runner(PATIENT);
    const id = await walk({ stayAt: 'inserted', completes: false }, 3);
    await holdingRow(id, async () => {
      // The attempt is ended by its timeout, and its settle waits behind this lock.
      await waitFor('the settle to wait', waitingSettle);
      await bench.kill(killed);
      bench.heddle('runner');
    });
    const task = await bench.finished(id);
    assert.deepEqual([task.status, task.attempt], ['completed', 2]);
    assert.deepEqual(await effects(id), [1, 2]);
    const outcomes = await bench.outcomes(id);
    assert.equal(outcomes.length, 1);
    assert.match(outcomes[0] as string, /^(lost|timed_out)$/);
  });

  test('a settle that a killed runner has sent is ended by the rescue, and never written', async () => {
    const killed = await bench.runner(PATIENT);
    const id = await walk({ stayAt: 'inserted', completes: false }, 3);
    await holdingRow(id, async () => {
      const pid = await waitFor('the settle to wait', waitingSettle);
      await bench.kill(killed);
      bench.heddle('runner');
      await waitFor(
        'its backend to be ended',
        async () => (await bench.query(BACKEND, [pid])).rowCount === 0,
      );
    });
    const task = await bench.finished(id);
    assert.deepEqual([task.status, task.attempt], ['completed', 2]);
    assert.deepEqual(await bench.outcomes(id), ['lost']);
  });

  for (const step of AFTER_COMMIT) {
    test(`a thread that is killed for its timeout at '${step}': the task is completed, and does not run again`, async () => {
      const runner = await bench.runner(PATIENT);
      const id = await walk({ stayAt: step, completes: true }, 3);
      await atStep(id, step);
      await waitFor('the kill', () => runner.events('thread_killed')[0]);
      await assertCompletedOnce(id);
      assert.equal(await runner.stop(), 0);
      await assertCompletedOnce(id);
    });

    test(`a cancel at '${step}' comes too late: the task stays completed`, async () => {
      const runner = await bench.runner(PATIENT);
      const id = await walk({ stayAt: step, completes: true });
      await atStep(id, step);
      assert.deepEqual(await cancelByHand(bench.database.pool(), [id], 'test'), []);
      await assertCompletedOnce(id);
      assert.equal(await runner.stop(), 0, 'and the stop kills the thread');
      await assertCompletedOnce(id);
    });
  }

  test("a cancel between complete() and its commit: whichever is first, the effect is there when it is completed, and else isn't", async () => {
    const runner = await bench.runner(PATIENT);
    const id = await walk({ stayAt: 'completed', completes: true }, 4);
    await atStep(id, 'completed');
    const cancelled = await cancelByHand(bench.database.pool(), [id], 'test');
    // The cancel had to wait for the transaction, which the timeout ended without a commit.
    assert.deepEqual(cancelled, [id]);
    assert.equal((await bench.finished(id)).status, 'cancelled');
    assert.deepEqual(await effects(id), []);
    assert.equal(await runner.stop(), 0);
  });

  test('a cancel before complete() is called: the effect is rolled back with it', async () => {
    const runner = await bench.runner({ ...PATIENT, KILL_GRACE_MS: '100' });
    const id = await walk({ stayAt: 'inserted', completes: true });
    await atStep(id, 'inserted');
    assert.deepEqual(await cancelByHand(bench.database.pool(), [id], 'test'), [id]);
    assert.equal((await bench.finished(id)).status, 'cancelled');
    assert.deepEqual(await effects(id), []);
    assert.equal(await runner.stop(), 0);
  });
});

/** While somebody else has the task's row locked, from the moment on when it is at 'inserted'. */
async function holdingRow(id: string, work: () => Promise<void>): Promise<void> {
  await atStep(id, 'inserted');
  const holder = await bench.database.pool().connect();
  try {
    await holder.query('begin');
    await holder.query('select from tasks where id = $1 for update', [id]);
    await work();
  } finally {
    holder.release(true);
  }
}

/** The backend in which a settle waits for a lock. */
async function waitingSettle(): Promise<number | undefined> {
  const { rows } = await bench.query<{ pid: number }>(WAITING_SETTLE);
  return rows[0]?.pid;
}

const WAITING_SETTLE = `
select pid from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and query like '%settled as (%'`;

const BACKEND = 'select from pg_stat_activity where pid = $1';

function walk(
  params: { stayAt: string | null; completes: boolean },
  timeout_seconds?: number,
): Promise<string> {
  return bench.submit('walk', params, timeout_seconds === undefined ? {} : { timeout_seconds });
}

async function atStep(id: string, step: string): Promise<void> {
  await waitFor(`task ${id} to be at '${step}'`, async () => {
    const { rowCount } = await bench.query('select from steps where task_id = $1 and step = $2', [id, step]);
    return rowCount !== 0;
  });
}

/** The attempts whose effect is in the database. */
async function effects(id: string): Promise<number[]> {
  const { rows } = await bench.query<{ attempt: number }>(
    'select attempt from effects where task_id = $1 order by attempt',
    [id],
  );
  return rows.map(({ attempt }) => attempt);
}

async function assertCompletedOnce(id: string): Promise<void> {
  const task = await bench.task(id);
  assert.deepEqual([task.status, task.attempt, task.result], ['completed', 1, { by: 1 }]);
  assert.deepEqual(await effects(id), [1]);
  assert.deepEqual(await bench.outcomes(id), []);
}

async function items(url: string): Promise<Record<string, unknown>[]> {
  const { items: all } = (await (await fetch(url)).json()) as { items: Record<string, unknown>[] };
  return all;
}
