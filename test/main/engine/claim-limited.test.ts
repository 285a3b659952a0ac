import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type pg from 'pg';
import { claimLimited, nextStart } from '../../../src/main/engine/claim-limited.ts';
import type { ClaimedTask } from '../../../src/main/engine/claimed-task.ts';
import { NOTE_STARTS } from '../../../src/main/engine/sql/limits.ts';
import type { Limits } from '../../../src/workers/protocol.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { addLiveRunner, addRunnerRow } from '../../support/runner-row.ts';

const NO_LIMITS: Limits = { maxConcurrent: null, maxConcurrentPerKey: null, rate: null };

describe('a claim of a type with limits', { concurrency: false }, () => {
  const runner = randomUUID();
  let database: TestDatabase;
  let pool: pg.Pool;
  before(async () => {
    database = await createTestDatabase();
    pool = database.pool();
    await addLiveRunner(pool, runner);
  });
  after(() => database.drop());
  beforeEach(() => pool.query('truncate tasks, task_starts cascade'));

  it('whatever is queued and running: takes the most urgent that fit, and all that fit', async () => {
    const task = fc.record({
      key: fc.integer({ min: 0, max: 3 }),
      priority: fc.integer({ min: -1, max: 1 }),
      ageSeconds: fc.integer({ min: 0, max: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.option(fc.integer({ min: 1, max: 5 })),
        fc.option(fc.integer({ min: 1, max: 2 })),
        fc.array(fc.tuple(fc.array(task, { maxLength: 6 }), fc.integer({ min: 1, max: 4 })), {
          maxLength: 5,
        }),
        async (maxConcurrent, maxConcurrentPerKey, rounds) => {
          await pool.query('truncate tasks cascade');
          const limits = { ...NO_LIMITS, maxConcurrent, maxConcurrentPerKey };
          const hasKey = maxConcurrentPerKey !== null;
          for (const [tasks, free] of rounds) {
            for (const one of tasks) await queue({ ...one, key: hasKey ? `key ${one.key}` : '' });
            const expected = choose(await rows(), limits, free);
            assert.deepEqual(idsOf(await claimed(limits, free)), expected);
            await pool.query(
              `update tasks set status = 'completed' where id = (select id from tasks where status = 'running' limit 1)`,
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes no more at once than is free, however many claim at the same time', async () => {
    const limits = { ...NO_LIMITS, maxConcurrent: 3, maxConcurrentPerKey: 1 };
    for (let at = 0; at < 40; at++) await queue({ key: `key ${at % 4}` });
    for (let round = 0; round < 10; round++) {
      const claims = await Promise.all(Array.from({ length: 8 }, () => claimed(limits, 2)));
      const taken = claims.flat();
      assert.equal(taken.length, 3);
      assert.equal(new Set(taken.map(({ concurrency_key }) => concurrency_key)).size, 3);
      await pool.query(`update tasks set status = 'completed' where status = 'running'`);
    }
  });

  it('does not walk through what is queued behind a full key', async () => {
    await queueMany(25_000, { key: "'full'", priority: -5 });
    await claimed(perKey(1), 1);
    await queueMany(5, { key: "'free ' || n", priority: 5 });
    await pool.query('analyze tasks');
    const { tasks, ms } = await timed(() => claimed(perKey(1), 3));
    assert.deepEqual(
      tasks.map(({ concurrency_key }) => concurrency_key),
      ['free 1', 'free 2', 'free 3'],
    );
    const others = await timed(() => claimed(perKey(1), 3));
    assert.deepEqual(others.tasks.map(({ concurrency_key }) => concurrency_key).sort(), ['free 4', 'free 5']);
    assertQuick(ms, others.ms);
  });

  it('finds its way among ten thousand keys, by urgency and by age', async () => {
    await queueMany(10_000, { key: "'key ' || n", priority: '(n % 3)', ageSeconds: 'n / 100.0' });
    await pool.query('analyze tasks');
    const urgent = await timed(() => claimed(perKey(1), 1));
    assert.equal(urgent.tasks[0]?.concurrency_key, 'key 9999');
    const next = await timed(() => claimed(perKey(1), 1));
    assert.equal(next.tasks[0]?.concurrency_key, 'key 9996');
    assertQuick(urgent.ms, next.ms);
    const [oldest] = await claimed(perKey(1), 1, 'by age');
    assert.equal(oldest?.concurrency_key, 'key 10000');
  });

  it('by age takes only what has been due for half a minute', async () => {
    await queue({ key: 'a', priority: 100, ageSeconds: 29 });
    await queue({ key: 'b', priority: 100, ageSeconds: 40 });
    await queue({ key: 'c', priority: -100, ageSeconds: 35 });
    assert.deepEqual(
      (await claimed(perKey(1), 2, 'by age')).map(({ concurrency_key }) => concurrency_key).sort(),
      ['b', 'c'],
    );
    assert.deepEqual(await claimed(perKey(1), 2, 'by age'), []);
  });

  it('does not walk through what is queued behind a rate that is used up', async () => {
    const limits = { ...NO_LIMITS, rate: { count: 1, perSeconds: 3600, keyed: true } };
    await queueMany(25_000, { rate: "'used up'", priority: -5 });
    await claimed(limits, 1);
    await queueMany(2, { rate: "'free ' || n", priority: 5 });
    await pool.query('analyze tasks');
    const { tasks, ms } = await timed(() => claimed(limits, 3));
    assert.deepEqual(
      tasks.map(({ rate_key }) => rate_key),
      ['free 1', 'free 2'],
    );
    const none = await timed(() => claimed(limits, 3));
    assert.deepEqual(none.tasks, []);
    assertQuick(ms, none.ms);
  });

  it('reserves starts, which count until a window after they were told of', async () => {
    const limits = { ...NO_LIMITS, rate: { count: 3, perSeconds: 60, keyed: true } };
    for (let at = 0; at < 8; at++) await queue({ rate: at < 4 ? 'a' : 'b' });
    const taken = await claimed(limits, 10);
    assert.deepEqual(taken.map(({ rate_key }) => rate_key).sort(), ['a', 'a', 'a', 'b', 'b', 'b']);
    assert.deepEqual(await claimed(limits, 10), []);
    assert.ok(Number(await nextStart(pool, 'limited')) > 1000, 'nobody knows yet that they have begun');

    const ofA = taken.filter(({ rate_key }) => rate_key === 'a');
    await noteStarts(ofA, 60);
    const inMs = Number(await nextStart(pool, 'limited'));
    assert.ok(inMs > 0 && inMs <= 60_060, `${inMs} ms`);
    assert.deepEqual(await claimed(limits, 10), []);
    await pool.query("update task_starts set until = until - interval '61 seconds' where claim_token = 0");
    assert.deepEqual(
      (await claimed(limits, 10)).map(({ rate_key }) => rate_key),
      ['a'],
    );
  });

  it('sums starts up in few rows, however many there are', async () => {
    const limits = { ...NO_LIMITS, rate: { count: 5000, perSeconds: 3600, keyed: false } };
    await queueMany(300, {});
    const taken = await claimed(limits, 1000);
    assert.equal(taken.length, 300);
    await noteStarts(taken, 3600);
    const { rows: starts } = await pool.query('select starts from task_starts');
    assert.ok(starts.length <= 2);
    assert.equal(
      starts.reduce((sum, row) => sum + row.starts, 0),
      300,
    );
  });

  it('is refused to a runner that others have taken for dead', async () => {
    const dead = await addRunnerRow(pool, { status: 'lost' });
    const silent = await addRunnerRow(pool, { silentSeconds: 60 });
    await queue({});
    for (const id of [dead, silent])
      assert.deepEqual(await claimLimited(pool, id, wanted(1), NO_LIMITS, 'by urgency'), []);
  });

  it('leaves a task alone that somebody has locked, and takes the others', async () => {
    const locked = await queue({ key: 'a' });
    const other = await queue({ key: 'b' });
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query('select from tasks where id = $1 for update', [locked]);
      assert.deepEqual(idsOf(await claimed(perKey(1), 2)), [other]);
    } finally {
      await client.query('rollback');
      client.release();
    }
  });

  function perKey(maxConcurrentPerKey: number): Limits {
    return { ...NO_LIMITS, maxConcurrentPerKey };
  }

  function claimed(limits: Limits, free: number, order: 'by urgency' | 'by age' = 'by urgency') {
    return claimLimited(pool, runner, wanted(free), limits, order);
  }

  async function timed(claim: () => Promise<ClaimedTask[]>): Promise<{ tasks: ClaimedTask[]; ms: number }> {
    const startedAt = performance.now();
    const tasks = await claim();
    return { tasks, ms: performance.now() - startedAt };
  }

  /** One of them, at least: whatever else the machine does now and then. */
  function assertQuick(...ms: number[]): void {
    assert.ok(Math.min(...ms) < 100, `${ms.join(' and ')} ms`);
  }

  function wanted(free: number) {
    return { type: 'limited', free, quick: false, tick: false };
  }

  async function queue(task: { key?: string; rate?: string; priority?: number; ageSeconds?: number }) {
    const { key = '', rate = '', priority = 0, ageSeconds = 0 } = task;
    const { rows: added } = await pool.query<{ id: string }>(
      `insert into tasks (type, status, concurrency_key, rate_key, priority, run_at)
       values ('limited', 'queued', $1, $2, $3, now() - make_interval(secs => $4)) returning id`,
      [key, rate, priority, ageSeconds],
    );
    return (added[0] as { id: string }).id;
  }

  async function queueMany(
    count: number,
    { key = "''", rate = "''", priority = 0, ageSeconds = '0' }: Partial<Many>,
  ): Promise<void> {
    await pool.query(
      `insert into tasks (type, status, concurrency_key, rate_key, priority, run_at)
       select 'limited', 'queued', ${key}, ${rate}, ${priority}, now() - make_interval(secs => ${ageSeconds})
       from generate_series(1, $1) n`,
      [count],
    );
  }

  async function rows(): Promise<Row[]> {
    const { rows: all } = await pool.query<Row>(
      `select id, status, concurrency_key from tasks order by priority, run_at, id`,
    );
    return all;
  }

  async function noteStarts(tasks: readonly ClaimedTask[], seconds: number): Promise<void> {
    await pool.query(NOTE_STARTS, [
      tasks.map(({ type }) => type),
      tasks.map(({ rate_key }) => rate_key),
      tasks.map(({ claim_token }) => claim_token),
      tasks.map(() => seconds),
    ]);
  }
});

/** Parts of a statement, in which `n` is the number of the task. */
interface Many {
  key: string;
  rate: string;
  priority: number | string;
  ageSeconds: string;
}

interface Row {
  id: string;
  status: string;
  concurrency_key: string;
}

/** What a claim has to take, one by one. @param rows the most urgent first */
function choose(
  rows: readonly Row[],
  { maxConcurrent, maxConcurrentPerKey }: Limits,
  free: number,
): string[] {
  const running = rows.filter(({ status }) => status === 'running');
  const chosen: Row[] = [];
  for (const row of rows.filter(({ status }) => status === 'queued')) {
    const taken = [...running, ...chosen];
    const ofKey = taken.filter(({ concurrency_key }) => concurrency_key === row.concurrency_key);
    const fits =
      chosen.length < free &&
      taken.length < (maxConcurrent ?? Number.POSITIVE_INFINITY) &&
      ofKey.length < (maxConcurrentPerKey ?? Number.POSITIVE_INFINITY);
    if (fits) chosen.push(row);
  }
  return chosen.map(({ id }) => id);
}

function idsOf(tasks: readonly ClaimedTask[]): string[] {
  return tasks.map(({ id }) => id);
}
