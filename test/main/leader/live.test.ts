import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { discover } from '../../../src/main/engine/discover.ts';
import { Engine } from '../../../src/main/engine/engine.ts';
import { publishTaskTypes } from '../../../src/main/engine/publish.ts';
import { TaskTypeCatalogue } from '../../../src/main/engine/task-types.ts';
import { Wake } from '../../../src/main/engine/wake.ts';
import { Scheduler } from '../../../src/main/leader/schedule.ts';
import { packageRoot } from '../../../src/main/package-root.ts';
import { captureEvents } from '../../support/capture-events.ts';
import { createTestDatabase } from '../../support/database.ts';
import { assertOnTime } from '../../support/on-time.ts';
import { addLiveRunner, makeLeader } from '../../support/runner-row.ts';
import { waitFor } from '../../support/wait-for.ts';

test('a task of every second starts within 100 ms of its time, every second', async (t) => {
  const database = await createTestDatabase();
  const pool = database.pool();
  const { observe } = captureEvents();
  const threadOptions = {
    databaseUrl: database.url,
    taskFolders: [join(packageRoot, 'dist/test/fixtures/periodic')],
    logLevel: 'silent',
    maxHeapMb: 128,
    bootTimeoutMs: 20_000,
  };
  const { types } = await discover(threadOptions);
  await publishTaskTypes(pool, types);
  const runnerId = randomUUID();
  await addLiveRunner(pool, runnerId);
  await makeLeader(pool, runnerId);
  const engine = new Engine({
    runnerId,
    database: pool,
    catalogue: new TaskTypeCatalogue(pool),
    types,
    threads: 1,
    threadOptions,
    killGraceMs: 500,
    observe,
    logStream: { write: () => {} },
  });
  const scheduler = new Scheduler(runnerId, pool, types, observe);
  const due = (inMs: number) => {
    engine.wake(inMs);
    scheduler.look();
  };
  const wake = new Wake(runnerId, database.url, { due, cancel: () => {} }, observe);
  await engine.start();
  t.after(() => engine.stop());
  wake.start();
  t.after(() => wake.stop());
  engine.open();
  scheduler.start('start');
  t.after(() => scheduler.stop());
  t.after(() => database.drop()); // Last: the engine may not have heard yet that what it has settled is settled.

  const ticks = await waitFor('five ticks', async () => {
    const { rows } = await pool.query<Tick>(
      "select slot, run_at, started_at from tasks where status = 'completed' order by slot",
    );
    return rows.length >= 5 ? rows : null;
  });
  const first = ticks[0] as Tick;
  for (const [index, { slot, run_at }] of ticks.entries()) {
    assert.equal(+slot, +first.slot + index * 1000);
    assert.deepEqual(run_at, slot);
  }
  assertOnTime(ticks.map(({ run_at, started_at }) => +started_at - +run_at));
});

interface Tick {
  slot: Date;
  run_at: Date;
  started_at: Date;
}
