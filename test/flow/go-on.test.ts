import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FaultBench } from '../support/fault-bench.ts';
import type { Heddle } from '../support/heddle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

const TASKS_DIR = fileURLToPath(new URL('../fixtures/tasks', import.meta.url));

/* What must not keep a runner from beginning anew, in the same process or in the next one. */

describe('a runner goes on', { concurrency: true }, () => {
  it('under another id, while somebody keeps the row of a task locked that it has lost', async (t) => {
    const bench = await openBench(t);
    const runner = await bench.runner();
    const id = await bench.submit('wait', { ms: 60_000 }, { timeout_seconds: 100 });
    await bench.reaches(id, 'running');
    const former = await bench.runnerId(runner);
    const holder = await bench.database.pool().connect();
    try {
      await holder.query('begin');
      await holder.query('select from tasks where id = $1 for update', [id]);
      await freezeUntilLost(bench, runner, former);
      const other = await bench.finished(await bench.submit('no-op'));
      assert.equal(other.status, 'completed');
      assert.notEqual(other.runner_id, former);
      assert.equal((await bench.task(id)).status, 'running');
    } finally {
      await holder.query('rollback');
      holder.release();
    }
    await waitFor('the rescue', async () => (await bench.outcomes(id)).includes('lost'));
    assert.equal(await runner.stop(), 0);
  });

  it('as another process, also when its stuck thread has died while the other one finished', async (t) => {
    const bench = await openBench(t);
    const directory = await temporaryDirectory();
    t.after(() => rm(directory, { recursive: true, force: true }));
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const runner = await bench.runner({ TASKS_DIR, STOP_GRACE_SECONDS: '5', LEASE_SECONDS: '8' });
    await bench.submit('stick', { fifo });
    const other = await bench.submit('wait', { ms: 60_000 }, { timeout_seconds: 100 });
    await waitFor('the runner to give up', () => runner.events('runner_degraded')[0], 40_000);
    const end = await open(fifo, 'w');
    await end.close();
    assert.equal(await runner.ended, 75);
    assert.equal((await bench.task(other)).status, 'queued');
  });
});

async function openBench(t: TestContext): Promise<FaultBench> {
  const bench = await FaultBench.open();
  t.after(() => bench.close());
  return bench;
}

/** For most of its lease and more: it finds that out itself, or by the database. */
async function freezeUntilLost(bench: FaultBench, runner: Heddle, id: string): Promise<void> {
  runner.child.kill('SIGSTOP');
  await waitFor('it to be silent for its lease', async () => {
    const { rows } = await bench.query<{ silent: boolean }>(
      'select last_seen_at < now() - make_interval(secs => lease_seconds) as silent from runners where id = $1',
      [id],
    );
    return rows[0]?.silent;
  });
  runner.child.kill('SIGCONT');
  await waitFor('it to lose its lease', () => runner.events('lease_lost')[0]);
}
