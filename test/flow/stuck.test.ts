import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestEngine } from '../support/engine.ts';
import { Heddle } from '../support/heddle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a thread in a native call, which cannot be killed', { concurrency: true }, () => {
  let directory: string;
  let database: TestDatabase;
  before(async () => {
    directory = await temporaryDirectory();
    database = await createTestDatabase();
  });
  after(async () => {
    await database.drop();
    await rm(directory, { recursive: true, force: true });
  });

  it('keeps its slot and its task until it has ended; the other threads go on', async (t) => {
    const fifo = makeFifo('held');
    let degraded = false;
    const heddle = await startTestEngine({
      threads: 2,
      stuckMs: { told: 200, givenUp: 600 },
      onStuck: () => {
        degraded = true;
      },
    });
    t.after(() => heddle.stop());
    const id = await heddle.submit('stick', { fifo });
    const { task_type } = await heddle.events.next('thread_stuck');
    assert.equal(task_type, 'stick');
    await waitFor('the engine to give it up', () => degraded);
    assert.equal(heddle.engine.state.threads.length, 2, 'no third thread in its place');
    assert.equal(heddle.engine.hasStuckThread, true);
    await heddle.finished(await heddle.submit('no-op'));
    assert.equal((await heddle.task(id)).status, 'running');

    await release(fifo);
    const task = await heddle.reaches(id, 'queued');
    assert.equal(task.error, 'timed out after 1 s');
    assert.equal(heddle.engine.hasStuckThread, false);
    await waitFor('a thread in its place', () => heddle.engine.state.threads.length === 2);
  });

  it('makes its runner stop, with what else it runs, and end with a code of its own; another one goes on', async () => {
    const fifo = makeFifo('degraded');
    const runner = startRunner();
    const stuck = await add('stick', { fifo });
    const [degraded] = await waitFor(
      'the runner to give up',
      () => when(runner.events('runner_degraded'), ({ length }) => length > 0),
      40_000,
    );
    assert.match(String((degraded as { reason: string }).reason), /does not die/);
    const code = await runner.ended;
    // Before Node 22.15 a process with such a thread can only be killed.
    assert.ok(code === 75 || runner.child.signalCode === 'SIGKILL', `it ended with ${code}`);
    assert.equal((await task(stuck)).status, 'running');

    await rm(fifo); // The next attempt fails instead.
    const next = startRunner();
    await waitFor('the rescue', async () => (await task(stuck)).error?.startsWith('lost: runner'), 20_000);
    const done = await add('no-op', {});
    await waitFor('another task', async () => (await task(done)).status === 'completed');
    assert.equal(await next.stop(), 0);
  });

  function makeFifo(name: string): string {
    const fifo = join(directory, name);
    execFileSync('mkfifo', [fifo]);
    return fifo;
  }

  async function release(fifo: string): Promise<void> {
    const end = await open(fifo, 'w');
    await end.close();
  }

  function startRunner(): Heddle {
    const env = {
      DATABASE_URL: database.url,
      THREADS: '1',
      RUNNER_PORT: '0',
      STOP_GRACE_SECONDS: '2',
      TASKS_DIR,
    };
    return new Heddle(['runner'], env, directory);
  }

  async function add(type: string, params: object): Promise<string> {
    const { rows } = await database
      .pool()
      .query<{ id: string }>(
        `insert into tasks (type, params, status) values ($1, $2, 'queued') returning id`,
        [type, params],
      );
    return (rows[0] as { id: string }).id;
  }

  async function task(id: string): Promise<{ status: string; error: string | null }> {
    const { rows } = await database.pool().query('select status, error from tasks where id = $1', [id]);
    return rows[0] as { status: string; error: string | null };
  }
});

const TASKS_DIR = fileURLToPath(new URL('../fixtures/tasks', import.meta.url));

function when<T>(value: T, holds: (value: T) => boolean): T | null {
  return holds(value) ? value : null;
}
