import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { TaskRow } from '../../src/main/engine/task.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a kill', { concurrency: false }, () => {
  let heddle: TestEngine;
  before(async () => {
    heddle = await startTestEngine({ threads: 2 });
  });
  after(() => heddle.stop());

  it('does not come while the task file is loading: that does not count', async () => {
    const id = await heddle.submit('load-slowly', { ms: 0 }, { timeout_seconds: 0.05 });
    const task = await heddle.finished(id);
    assert.deepEqual([task.status, task.error, task.attempt], ['completed', null, 1]);
  });

  it('ends the SQL of the attempt before the attempt is settled, and nobody else’s', async () => {
    const neighbour = await heddle.submit('write', { marker: 'neighbour', seconds: 2.5 });
    await heddle.reaches(neighbour, 'running');
    const spin = await heddle.submit('write-and-spin', { marker: 'killed', seconds: 6 });

    const seen = await waitFor('its backend', async () => (await look(spin)).backends[0]);
    const { status, claim_token, error } = await waitFor('the end', async () => {
      const { task, backends } = await look(spin);
      if (task.status === 'running') return null;
      assert.deepEqual(backends, [], 'settled, and its backend is still there');
      return task;
    });

    assert.equal(seen, `heddle:${spin}:${claim_token}`, 'connections name task and claim');
    assert.deepEqual([status, error], ['failed', 'timed out after 2 s']);
    const terminated = await heddle.events.next('backends_terminated', ({ task_id }) => task_id === spin);
    assert.equal(terminated.count, 1);
    assert.equal((await heddle.finished(neighbour)).status, 'completed');
    assert.deepEqual(await facts(), ['neighbour']);
  });

  it('in the middle of a bundle: what ran does not run again, what had not started goes elsewhere, unharmed', async () => {
    const warm = await heddle.submitAll('spin-sometimes', Array(200).fill({ spin: false }));
    for (const id of warm) await heddle.finished(id);
    const filler = await heddle.submit('wait', { ms: 300 });
    await heddle.reaches(filler, 'running');
    const params = Array.from({ length: 21 }, (_, at) => ({ spin: at === 10 }));
    const ids = await heddle.submitAll('spin-sometimes', params);
    const tasks = await Promise.all(ids.map((id) => heddle.finished(id)));

    const spin = tasks[10] as TaskRow;
    assert.deepEqual([spin.status, spin.error, spin.attempt], ['failed', 'timed out after 1 s', 1]);
    const others = tasks.filter((task) => task !== spin);
    for (const task of others) assert.deepEqual([task.status, task.attempt], ['completed', 1]);
    assert.ok(
      tasks.slice(0, 10).some((task) => task.thread_id === spin.thread_id),
      'it ran in a bundle',
    );
    for (const task of tasks.slice(11)) {
      assert.notEqual(task.thread_id, spin.thread_id);
      assert.ok(Number(task.finished_at) < Number(spin.finished_at), 'it did not wait for the kill');
      assert.deepEqual(await heddle.attempts(task.id), []);
    }
    const runs = heddle.logLines.filter(({ msg, task_id }) => msg === 'ran' && ids.includes(String(task_id)));
    assert.equal(new Set(runs.map(({ task_id }) => task_id)).size, runs.length, 'each ran once');
  });

  it('is not needed for an attempt that fails amid a statement: that ends too, and its connection is not missed', async () => {
    // More than the five connections of a thread's pool.
    for (let round = 0; round < 7; round++) {
      const id = await heddle.submit('abandon-query', { marker: 'abandoned', seconds: 0.3 });
      const task = await waitFor('the end', async () => {
        const { task: now, backends } = await look(id);
        if (now.status === 'running' || now.status === 'queued') return null;
        assert.deepEqual(backends, [], 'settled, and its backend is still there');
        return now;
      });
      assert.deepEqual([task.status, task.error], ['failed', 'gave up']);
    }
    assert.ok(!(await facts()).includes('abandoned'));
  });

  async function look(id: string): Promise<{ task: TaskRow; backends: string[] }> {
    const { rows } = await heddle.pool.query<{ task: TaskRow; backends: string[] }>(LOOK, [id]);
    return rows[0] as { task: TaskRow; backends: string[] };
  }

  async function facts(): Promise<string[]> {
    const { rows } = await heddle.pool.query<{ text: string }>('select text from facts');
    return rows.map(({ text }) => text);
  }
});

/** The task as it was when the statement began, and the backends that were there afterwards. */
const LOOK = `
with backends as materialized (
  select coalesce(array_agg(application_name), '{}') as names
  from pg_stat_activity
  where application_name like 'heddle:' || $1 || ':%'
)
select row_to_json(t) as task, names as backends from backends, tasks t where t.id = $1::uuid`;
