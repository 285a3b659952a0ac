import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { putInto } from '../../../support/task-states.ts';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api?.stop());

/** A task that failed once in another runner, was run by hand, and completed. */
async function troubledTask(): Promise<{ id: string; firstRunner: string }> {
  const { id } = await api.submit({ type: 'anything', run_immediately: false });
  const firstRunner = randomUUID();
  await api.call('POST', `/api/v1/tasks/${id}/run`);
  await api.database.query(
    `insert into task_attempts (task_id, claim_token, attempt, runner_id, thread_id, started_at, outcome, error, status_after)
     values ($1, nextval('claim_tokens'), 1, $2, 3, now(), 'failed',
       '{"name":"Error","message":"no luck","stack":"Error: no luck","cause":{"name":"E2","message":"why"}}', 'queued')`,
    [id, firstRunner],
  );
  await api.database.query(
    `insert into task_logs (task_id, attempt, at, level, message, fields)
     values ($1, 1, now(), 'info', 'first', '{"a":1}'), ($1, 1, now(), 'warn', 'second', '{}')`,
    [id],
  );
  await putInto(api.database, id, 'completed');
  return { id, firstRunner };
}

describe("a task's history", () => {
  it('has every attempt, also the one that completed it', async () => {
    const { id, firstRunner } = await troubledTask();
    const { status, json } = await api.call('GET', `/api/v1/tasks/${id}/attempts`);
    assert.equal(status, 200);
    const [failed, succeeded] = json.items;
    assert.equal(json.items.length, 2);
    assert.equal(
      Object.keys(failed).join(),
      'attempt,runner_id,thread_id,started_at,finished_at,outcome,error',
    );
    assert.deepEqual(
      [failed.attempt, failed.runner_id, failed.thread_id, failed.outcome],
      [1, firstRunner, 3, 'failed'],
    );
    assert.deepEqual(failed.error, {
      name: 'Error',
      message: 'no luck',
      stack: 'Error: no luck',
      code: null,
      cause: { name: 'E2', message: 'why', stack: null, code: null, cause: null },
    });
    assert.deepEqual([succeeded.outcome, succeeded.error], ['succeeded', null]);
    assert.match(succeeded.finished_at, /^\d{4}-.*\.\d{3}Z$/);
  });

  it('has every state change with who caused it', async () => {
    const { id, firstRunner } = await troubledTask();
    const { json: task } = await api.call('GET', `/api/v1/tasks/${id}`);
    const { json } = await api.call('GET', `/api/v1/tasks/${id}/events`);
    assert.deepEqual(Object.keys(json.items[0]), ['at', 'from', 'to', 'attempt', 'actor', 'detail']);
    assert.deepEqual(
      json.items.map(({ at: _at, ...event }: { at: string }) => Object.values(event)),
      [
        [null, 'created', 0, 'api:anonymous', null],
        ['created', 'queued', 0, 'api:anonymous', 'run by hand'],
        ['queued', 'running', 1, `runner:${firstRunner}`, null],
        ['running', 'queued', 1, `runner:${firstRunner}`, 'failed: no luck'],
        ['queued', 'running', 1, `runner:${task.runner_id}`, null],
        ['running', 'completed', 1, `runner:${task.runner_id}`, 'succeeded'],
      ],
    );
  });

  it('has the log in order', async () => {
    const { id } = await troubledTask();
    const { json } = await api.call('GET', `/api/v1/tasks/${id}/logs`);
    assert.deepEqual(Object.keys(json.items[0]), ['at', 'attempt', 'level', 'message', 'fields']);
    assert.deepEqual(
      json.items.map(({ at: _at, ...line }: { at: string }) => Object.values(line)),
      [
        [1, 'info', 'first', { a: 1 }],
        [1, 'warn', 'second', {}],
      ],
    );
  });

  it('is empty but for its creation at first, and goes with the task', async () => {
    const { id } = await api.submit({ type: 'anything' });
    const items = async (what: string) => (await api.call('GET', `/api/v1/tasks/${id}/${what}`)).json.items;
    assert.deepEqual(await items('attempts'), []);
    assert.deepEqual(await items('logs'), []);
    assert.deepEqual(
      (await items('events')).map((event: { to: string }) => event.to),
      ['queued'],
    );
    await putInto(api.database, id, 'completed');
    await api.call('DELETE', `/api/v1/tasks/${id}`);
    for (const what of ['attempts', 'logs', 'events']) {
      assert.equal((await api.call('GET', `/api/v1/tasks/${id}/${what}`)).status, 404);
    }
  });
});
