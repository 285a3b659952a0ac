import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FaultBench } from '../support/fault-bench.ts';
import type { Heddle } from '../support/heddle.ts';
import { type Pgbouncer, pgbouncerProgram, pgbouncerVersion, startPgbouncer } from '../support/pgbouncer.ts';
import { waitFor } from '../support/wait-for.ts';

/* Runners behind a pooler that lends server connections for a transaction each. */

const TASKS_DIR = fileURLToPath(new URL('../fixtures/clock', import.meta.url));
const skip =
  pgbouncerProgram === undefined && 'needs the program pgbouncer: apt-get install pgbouncer, or its like';

describe(`behind PgBouncer ${pgbouncerVersion()} in transaction mode`, { skip }, () => {
  let bench: FaultBench;
  let pooler: Pgbouncer;

  before(async () => {
    bench = await FaultBench.open();
    await bench.query('create table effects (task_id uuid, attempt int)');
    await bench.query('create table steps (task_id uuid, attempt int, step text)');
    pooler = await startPgbouncer(bench.database.url);
  });

  afterEach(async () => {
    await bench.endAll();
    await bench.query('truncate tasks cascade; truncate runners, periodic_tasks, effects');
  });

  after(async () => {
    await pooler.stop();
    await bench.close();
  });

  test('with a direct address to listen on: one leads, every slot has one tick, all tasks complete', async () => {
    const runners = await startTwo({ LISTEN_DATABASE_URL: bench.database.url });
    await assertWorks(runners);
    await assertTakesOver(runners);
  });

  test('with the pooled address alone: the same, by polling', async () => {
    const runners = await startTwo({});
    await assertWorks(runners);
    await assertTakesOver(runners);
  });

  async function startTwo(env: Record<string, string>): Promise<[Heddle, Heddle]> {
    const own = { DATABASE_URL: pooler.url, TASKS_DIR, ...env };
    return [await bench.runner(own), await bench.runner(own)];
  }

  async function assertWorks([first, second]: [Heddle, Heddle]): Promise<void> {
    const ids = [
      ...(await bench.submitAll('leave-effect', Array(200).fill({}))),
      ...(await bench.submitAll('walk', Array(20).fill({ stayAt: null, completes: true }))),
    ];
    for (const id of ids) {
      const task = await bench.finished(id);
      assert.deepEqual([task.status, task.attempt], ['completed', 1]);
    }
    const { rows } = await bench.query('select count(*)::int as effects from effects');
    assert.deepEqual(rows, [{ effects: ids.length }]);
    await assertTicks(3);
    assert.deepEqual([elections(first), elections(second)], [1, 0]);
    for (const runner of [first, second]) assert.deepEqual(runner.events('database_error'), []);
  }

  async function assertTakesOver([first, second]: [Heddle, Heddle]): Promise<void> {
    const id = await bench.submit('walk', { stayAt: 'inserted', completes: true });
    await bench.reaches(id, 'running');
    await bench.kill(first);
    const task = await bench.finished(id);
    assert.deepEqual([task.status, task.attempt], ['completed', 2]);
    assert.deepEqual(await bench.outcomes(id), ['lost']);
    await assertTicks(6);
    assert.equal(await second.stop(), 0);
    assert.equal(elections(second), 1);
  }

  /** A slot's second tick would be refused by the table: that none was tried shows in there being no errors. */
  async function assertTicks(least: number): Promise<void> {
    for (const type of ['tick-by-interval', 'tick-by-cron']) {
      await waitFor(`${least} ticks of ${type}`, async () => {
        const { rows } = await bench.query<{ slots: number; ticks: number }>(
          'select count(distinct slot)::int as slots, count(*)::int as ticks from tasks where type = $1',
          [type],
        );
        const [{ slots, ticks }] = rows as [{ slots: number; ticks: number }];
        assert.equal(slots, ticks);
        return slots >= least;
      });
    }
  }
});

function elections(runner: Heddle): number {
  return runner.events('leader_elected').length;
}
