import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FaultBench } from '../support/fault-bench.ts';

/* A task that takes its whole process down, again and again. */

let bench: FaultBench;

before(async () => {
  bench = await FaultBench.open();
  await bench.query('create table effects (task_id uuid, attempt int)');
});

after(() => bench.close());

test('a task that kills its runner fails when its attempts are used up; the others complete, and the service stays', async () => {
  const heddle = bench.heddle('start');
  const url = await heddle.ready();
  const before = await bench.submitAll('leave-effect', Array(20).fill({ ms: 50 }));
  const poison = await bench.submit('poison', {}, { max_retries: 2 });
  const after = await bench.submitAll('leave-effect', Array(20).fill({ ms: 50 }));

  const task = await bench.finished(poison, 40_000);
  assert.deepEqual([task.status, task.attempt], ['failed', 3]);
  assert.match(task.error as string, /^lost: runner \S+ died/);
  assert.deepEqual(await bench.outcomes(poison), ['lost', 'lost', 'lost']);
  for (const id of [...before, ...after]) assert.equal((await bench.finished(id)).status, 'completed');
  assert.equal(heddle.events('runner_died').length, 3);

  const late = await bench.submit('leave-effect');
  assert.deepEqual([(await bench.finished(late)).status, (await bench.task(late)).attempt], ['completed', 1]);
  assert.equal((await fetch(`${url}/health`)).status, 200);
  assert.equal(await heddle.stop(), 0);
});
