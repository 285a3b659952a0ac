import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { cancelByHand } from '../../src/main/engine/by-hand.ts';
import { submit } from '../../src/main/engine/submit.ts';
import { isFinished, type TaskRow } from '../../src/main/engine/task.ts';
import { TaskTypeCatalogue } from '../../src/main/engine/task-types.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { FaultBench } from '../support/fault-bench.ts';
import { expectedOf, type PlannedTask, plans, toSubmissions } from '../support/plans.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a task that waited for others', { concurrency: false }, () => {
  let heddle: TestEngine;
  before(async () => {
    heddle = await startTestEngine({ threads: 2 });
  });
  after(() => heddle.stop());

  it('is told what became of them, in the order that it named them', async () => {
    const failed = await heddle.submit('fail-after', { ms: 50 });
    const completed = await heddle.submit('refine', { from: 1, to: 2 });
    const id = await heddle.submit(
      'tell-dependencies',
      {},
      { depends_on: [failed, completed], on_dependency_failure: 'run' },
    );
    assert.deepEqual((await heddle.finished(id)).result, [
      { id: failed, type: 'fail-after', status: 'failed', result: null, error: 'attempt 1 failed' },
      {
        id: completed,
        type: 'refine',
        status: 'completed',
        result: { from: 1, to: 2, step: 1 },
        error: null,
      },
    ]);
  });

  it('is told of nothing when it waited for nothing', async () => {
    assert.deepEqual((await heddle.finished(await heddle.submit('tell-dependencies'))).result, []);
  });

  it('is told of one that was pruned before it was run anew', async () => {
    const gone = await heddle.submit('no-op');
    const id = await heddle.submit('tell-dependencies', {}, { depends_on: [gone], delay_seconds: 3600 });
    await heddle.finished(gone);
    await heddle.pool.query('delete from tasks where id = $1', [gone]);
    await heddle.pool.query('update tasks set run_at = now() where id = $1', [id]);
    heddle.engine.wake();
    assert.deepEqual((await heddle.finished(id)).result, [
      { id: gone, type: null, status: 'gone', result: null, error: null },
    ]);
  });

  it('may have been submitted by one of them', async () => {
    const parent = await heddle.finished(await heddle.submit('submit-chain'));
    const { id } = parent.result as { id: string };
    const child = await heddle.finished(id);
    const told = child.result as { id: string; status: string; type: string }[];
    assert.deepEqual(
      told.map(({ type, status }) => [type, status]),
      [
        ['submit-chain', 'completed'],
        ['no-op', 'completed'],
      ],
    );
    assert.equal(told[0]?.id, parent.id);
  });

  it('starts when one has completed itself, and only if that was committed', async () => {
    const params = (afterwards: string) => ({ marker: 'dependency', afterwards });
    const committed = await heddle.submit('complete-itself', params('commit'));
    const rolledBack = await heddle.submit('complete-itself', params('roll back'));
    const after = await heddle.submit('no-op', {}, { depends_on: [committed] });
    const never = await heddle.submit('no-op', {}, { depends_on: [rolledBack] });
    assert.equal((await heddle.finished(after)).status, 'completed');
    assert.equal(
      (await heddle.finished(never)).error,
      `dependency ${rolledBack} of type complete-itself failed`,
    );
  });

  for (const [how, type, params, options, end] of [
    ['timed out', 'spin', {}, { timeout_seconds: 0.2, max_retries: 0 }, async () => {}],
    [
      'was cancelled while it ran',
      'wait',
      { ms: 60_000 },
      {},
      async (id: string) => {
        await heddle.reaches(id, 'running');
        await cancelByHand(heddle.pool, [id], 'test');
      },
    ],
  ] as const) {
    it(`never starts when one ${how}`, async () => {
      const parent = await heddle.submit(type, params, options);
      const child = await heddle.submit('no-op', {}, { depends_on: [parent] });
      await end(parent);
      const { status, attempt, error } = await heddle.finished(child);
      assert.deepEqual([status, attempt], ['cancelled', 0]);
      assert.match(error ?? '', new RegExp(`^dependency ${parent} of type ${type} (failed|was cancelled)$`));
    });
  }
});

describe('under two runners, one of which is killed on the way', () => {
  let bench: FaultBench;
  const SHARED = { RUNNER_MODE: 'shared', THREADS: '2' };
  before(async () => {
    bench = await FaultBench.open();
  });
  after(() => bench.close());

  it('every task ends as its dependencies make it, and starts when all of them have ended', async () => {
    let killed = await bench.runner(SHARED);
    await bench.runner(SHARED);
    const catalogue = new TaskTypeCatalogue(bench.database.pool());
    const property = fc.asyncProperty(plans(30, ['failed']), async (plan) => {
      const ids = await submitPlan(catalogue, plan);
      await waitFor('the first to run', async () => (await read(ids)).some(({ attempt }) => attempt > 0));
      await bench.kill(killed);
      killed = await bench.runner(SHARED);
      const tasks = await waitFor(
        'all to end',
        async () => {
          const now = await read(ids);
          return now.every(({ status }) => isFinished(status)) ? now : null;
        },
        30_000,
      );
      assertAsPlanned(plan, tasks);
    });
    // Each kills a process: none is repeated to find a smaller one that fails.
    await fc.assert(property, { numRuns: 2, endOnFailure: true });
  });

  /** @returns the ids, in the order of the plan */
  async function submitPlan(catalogue: TaskTypeCatalogue, plan: readonly PlannedTask[]): Promise<string[]> {
    const params = ({ ending, group }: PlannedTask) => ({ ms: group * 20, fails: ending === 'failed' });
    const submissions = toSubmissions(plan, 'end-as-told', params);
    const submitted = await submit(bench.database.pool(), catalogue, submissions, 'test');
    return submitted.map(({ task }) => task.id).toReversed();
  }

  async function read(ids: readonly string[]): Promise<TaskRow[]> {
    const { rows } = await bench.query<TaskRow>(
      'select t.* from unnest($1::uuid[]) with ordinality as i(id, place) join tasks t using (id) order by place',
      [ids],
    );
    return rows;
  }
});

function assertAsPlanned(plan: readonly PlannedTask[], tasks: readonly TaskRow[]): void {
  assert.deepEqual(
    tasks.map(({ status }) => status),
    expectedOf(plan),
  );
  for (const [at, task] of tasks.entries()) {
    const dependencies = (plan[at] as PlannedTask).dependsOn.map((place) => tasks[place] as TaskRow);
    if (task.status === 'cancelled') {
      assert.equal(task.attempt, 0);
      const named = dependencies.find(({ id }) => task.error?.startsWith(`dependency ${id} `));
      assert.ok(named !== undefined && named.status !== 'completed', `${task.error}`);
    } else {
      const ended = Math.max(
        0,
        ...dependencies.map(({ finished_at }) => finished_at?.getTime() ?? Number.NaN),
      );
      assert.ok((task.started_at as Date).getTime() >= ended, 'it began too early');
    }
  }
}
