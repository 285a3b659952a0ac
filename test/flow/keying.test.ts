import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { createMarks } from '../support/marks.ts';
import { waitFor } from '../support/wait-for.ts';

describe('ten thousand tasks with one key', { concurrency: false }, () => {
  let heddle: TestEngine;
  before(async () => {
    heddle = await startTestEngine({ threads: 2 });
    await createMarks(heddle.pool);
    await heddle.finished(await heddle.submit('one-per-key', { key: 'warm' }));
    await heddle.pool.query(
      `insert into tasks (type, params, status)
       select 'one-per-key', '{"key": "crowd", "ms": 60000}', 'queued' from generate_series(1, 10000)`,
    );
    heddle.engine.wake();
  });
  after(() => heddle.stop());

  it('get their keys in a few seconds, and one of them runs', async () => {
    const startedAt = performance.now();
    await waitFor(
      'their keys',
      async () => (await count("status = 'queued' and concurrency_key is null")) === 0,
      30_000,
    );
    const ms = performance.now() - startedAt;
    assert.ok(ms < 15_000, `${ms} ms`);
    assert.equal(await count(`status = 'running'`), 1);
  });

  it('do not keep a task with another key waiting', async () => {
    const late: number[] = [];
    for (let at = 0; at < 10; at++) {
      const task = await heddle.finished(await heddle.submit('one-per-key', { key: `other ${at}` }));
      late.push(Number(task.started_at) - Number(task.created_at));
    }
    late.sort((a, b) => a - b);
    // What they would wait for takes a minute, and a poll five seconds.
    assert.ok((late[4] as number) < 1000, `${late.join(', ')} ms`);
  });

  async function count(which: string): Promise<number> {
    const { rows } = await heddle.pool.query(`select count(*)::int as n from tasks where ${which}`);
    return rows[0].n;
  }
});
