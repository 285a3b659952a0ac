import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { Heddle } from '../support/heddle.ts';
import { SeedCoreClient, SeedCoreError, type SeedCoreTask } from '../support/seedcore-client.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

/* Clients of SeedCore's tasks and facts API, on `heddle start`: real sockets, a real runner, real threads. */

const TASKS_DIR = fileURLToPath(new URL('../fixtures/tasks', import.meta.url));
let database: TestDatabase;
let directory: string;
let heddle: Heddle;
let url: string;
let client: SeedCoreClient;

before(async () => {
  database = await createTestDatabase();
  directory = await temporaryDirectory();
  const env = { PORT: '0', THREADS: '2', TASKS_DIR, DATABASE_URL: database.url };
  heddle = new Heddle(['start'], env, directory);
  url = await heddle.ready();
  client = new SeedCoreClient(url);
});
after(async () => {
  await heddle?.stop();
  await database?.drop();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

const ECHO = { type: 'example-database-task', params: { message: 'hi', count: 2 } };

function ended(id: string): Promise<SeedCoreTask> {
  return waitFor(`the end of ${id}`, async () => {
    const task = await client.getTask(id);
    return ['completed', 'failed', 'cancelled'].includes(task.status) ? task : null;
  });
}

/** Has all fields of SeedCore's TaskRead, and each is what its clients take it for. */
function assertTaskRead(task: SeedCoreTask): void {
  assert.match(task.id, /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/);
  assert.equal(typeof task.type, 'string');
  for (const field of ['description', 'domain', 'error'] as const) {
    assert.ok(task[field] === null || typeof task[field] === 'string', field);
  }
  assert.equal(typeof task.drift_score, 'number');
  for (const value of [task.params, task.result ?? {}])
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.ok(['created', 'queued', 'running', 'completed', 'failed', 'cancelled'].includes(task.status));
  assertTimes(task);
}

function assertTimes({ created_at, updated_at }: { created_at: string; updated_at: string }): void {
  for (const time of [created_at, updated_at]) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000);
  }
  assert.ok(created_at <= updated_at);
}

async function refused(asked: Promise<unknown>, status: number, detail: RegExp): Promise<void> {
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof SeedCoreError);
    assert.equal(error.status, status);
    assert.match(error.message, detail);
    return true;
  });
}

describe('a task', () => {
  it('is created, run and read', async () => {
    const created = await client.createTask({
      ...ECHO,
      description: 'Analyze the input data',
      domain: 'data_science',
      drift_score: 0.3,
      run_immediately: true,
    });
    assertTaskRead(created);
    assert.deepEqual(
      [created.description, created.domain, created.drift_score],
      ['Analyze the input data', 'data_science', 0.3],
    );
    const task = await ended(created.id);
    assertTaskRead(task);
    assert.deepEqual([task.status, task.result, task.error], ['completed', ECHO.params, null]);
    assert.deepEqual(await client.taskStatus(task.id), {
      id: task.id,
      status: 'completed',
      updated_at: task.updated_at,
      error: null,
    });
  });

  it('with run_immediately false waits for /run', async () => {
    const { id, status } = await client.createTask({ ...ECHO, run_immediately: false });
    assert.equal(status, 'created');
    assert.equal((await client.taskStatus(id)).status, 'created');
    const { status: queued } = await client.runTask(id);
    assert.ok(['queued', 'running', 'completed'].includes(queued));
    assert.equal((await ended(id)).status, 'completed');
  });

  it('is run once when /run comes on top of run_immediately', async () => {
    const { id } = await client.createTask(ECHO);
    await client.runTask(id);
    assert.equal((await ended(id)).status, 'completed');
    assert.equal((await client.runTask(id)).status, 'completed');
    const attempts = (await (await fetch(`${url}/api/v1/tasks/${id}/attempts`)).json()) as {
      items: unknown[];
    };
    assert.equal(attempts.items.length, 1);
  });

  it('takes what newer clients send along, and does without what they leave out', async () => {
    const { id, ...task } = await client.createTask({
      ...ECHO,
      description: null,
      domain: null,
      snapshot_id: 7,
      attached_fact_ids: ['0190a0a0-0000-7000-8000-000000000000'],
      run_immediately: false,
    });
    assert.deepEqual([task.description, task.domain, task.drift_score, task.result], [null, null, 0, null]);
    assert.equal((await client.cancelTask(id)).status, 'cancelled');
  });

  it('that fails says why, and can be run again', async () => {
    const { id } = await client.createTask({ type: 'fail-after', params: { ms: 0 } });
    const failed = await ended(id);
    assertTaskRead(failed);
    assert.deepEqual([failed.status, failed.error, failed.result], ['failed', 'attempt 1 failed', null]);
    await client.runTask(id);
    const again = await waitFor('the second attempt', async () => {
      const task = await client.getTask(id);
      return task.error === 'attempt 2 failed' ? task : null;
    });
    assert.equal(again.status, 'failed');
  });

  it('that is finished is not changed by /cancel', async () => {
    const { id } = await client.createTask(ECHO);
    const completed = await ended(id);
    assert.deepEqual(await client.cancelTask(id), completed);
  });

  it('that runs is cancelled, and stays so: here SeedCore would let it complete', async () => {
    const { id } = await client.createTask({ type: 'wait', params: { ms: 60_000 } });
    await waitFor('it to run', async () => (await client.taskStatus(id)).status === 'running');
    await client.cancelTask(id);
    assert.equal((await ended(id)).status, 'cancelled');
    assert.equal((await client.cancelTask(id)).status, 'cancelled');
  });

  it('is found by part of its id; what is not there or ambiguous is said in words', async () => {
    const { id } = await client.createTask({ ...ECHO, run_immediately: false });
    for (const part of [id.slice(0, 23), id.slice(-8)]) assert.equal((await client.getTask(part)).id, id);
    await refused(client.getTask('ffffffff'), 404, /^There is no task with the id 'ffffffff'/);
    await refused(
      client.getTask(id.slice(0, 4)),
      409,
      /^More than one task has an id that begins or ends with/,
    );
    await refused(client.runTask('ffffffff'), 404, /^There is no task/);
    await refused(client.cancelTask('ffffffff'), 404, /^There is no task/);
  });

  it('that is not valid is 422, with a detail that can be read', async () => {
    await refused(client.createTask({ params: {} }), 422, /^\/type is required/);
    await refused(
      client.createTask({ type: 'unheard-of' }),
      422,
      /^There is no task type 'unheard-of'\. Known are: /,
    );
    await refused(client.createTask({ ...ECHO, params: { message: 'hi' } }), 422, /count/);
  });
});

describe('the list of tasks', () => {
  it('has the newest first, by created_at', async () => {
    for (let n = 0; n < 3; n++)
      await client.createTask({ ...ECHO, run_immediately: false, description: `${n}` });
    const { total, items } = await client.listTasks();
    assert.deepEqual(
      items.slice(0, 3).map(({ description }) => description),
      ['2', '1', '0'],
    );
    const times = items.map(({ created_at }) => created_at);
    assert.deepEqual(times, times.toSorted().toReversed());
    assert.equal(total, items.length);
    items.forEach(assertTaskRead);
  });

  it('is read on by limit and offset', async () => {
    const { items } = await client.listTasks();
    assert.deepEqual((await client.listTasks('?limit=2&offset=1')).items, items.slice(1, 3));
  });
});

describe('a fact', () => {
  it('is created, found, changed and deleted', async () => {
    const meta_data = { source: 'user_input', priority: 'high' };
    const created = await client.createFact({
      text: 'This is an important fact',
      tags: ['important', 'reference'],
      meta_data,
    });
    assertTimes(created);
    assert.deepEqual(
      [created.text, created.tags, created.meta_data],
      ['This is an important fact', ['important', 'reference'], meta_data],
    );
    assert.deepEqual(await client.getFact(created.id), created);
    const query = { q: 'important', tag: 'reference', limit: '50', offset: '0' };
    assert.deepEqual(await client.listFacts(query), { total: 1, items: [created] });
    assert.deepEqual(await client.listFacts({ q: 'ser_inp' }), { total: 1, items: [created] });
    assert.deepEqual(await client.listFacts({ tag: 'unheard-of' }), { total: 0, items: [] });

    const changed = await client.updateFact(created.id, {
      text: 'Updated fact text',
      tags: ['updated', 'reference'],
    });
    assert.deepEqual(changed, {
      ...created,
      text: 'Updated fact text',
      tags: ['updated', 'reference'],
      updated_at: changed.updated_at,
    });
    assert.deepEqual(await client.deleteFact(created.id.slice(-8)), { deleted: created.id });
    await refused(client.getFact(created.id), 404, /^There is no fact with the id /);
  });

  it('takes metadata under the name that the CLIs send', async () => {
    const { id: produced_by_task_id } = await client.createTask(ECHO);
    const { id, meta_data } = await client.createFact({
      text: 'found out',
      metadata: { by: 'cli' },
      produced_by_task_id,
    });
    assert.deepEqual(meta_data, { by: 'cli' });
    assert.deepEqual((await client.updateFact(id, { metadata: { by: 'hand' } })).meta_data, { by: 'hand' });
  });

  it('lists the newest first, with the true total', async () => {
    for (const text of ['first', 'second', 'third']) await client.createFact({ text, tags: ['ordered'] });
    const { total, items } = await client.listFacts({ tag: 'ordered', limit: '2' });
    assert.deepEqual([total, items.map(({ text }) => text)], [3, ['third', 'second']]);
  });

  it('that is not valid is 422, and what is not there 404, with a detail that can be read', async () => {
    await refused(client.createFact({ tags: [] }), 422, /^\/text is required/);
    await refused(client.updateFact('ffffffff', { text: 'x' }), 404, /^There is no fact/);
    await refused(client.deleteFact('ffffffff'), 404, /^There is no fact/);
    await refused(client.listFacts({ limit: '1001' }), 400, /limit must be a whole number from 1 to 1000/);
  });
});

describe('around it', () => {
  it('/health, /readyz and / answer', async () => {
    for (const path of ['/health', '/readyz']) {
      const response = await fetch(url + path);
      const { status, version } = (await response.json()) as Record<string, unknown>;
      assert.deepEqual([response.status, status, typeof version], [200, 'ok', 'string']);
    }
    assert.equal((await fetch(`${url}/`)).status, 200);
  });
});

describe('on purpose, other than SeedCore,', () => {
  it('POST answers 201 with the address of what is new', async () => {
    for (const [path, body] of [
      ['/api/v1/tasks', ECHO],
      ['/api/v1/facts', { text: 'x' }],
    ] as const) {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      const { id } = (await response.json()) as { id: string };
      assert.deepEqual([response.status, response.headers.get('location')], [201, `${path}/${id}`]);
    }
  });

  it('a list of tasks has 50 rows unless more are asked for, and the total of all', async () => {
    await database.pool().query("insert into tasks (type) select 'anything' from generate_series(1, 60)");
    const { total, items } = await client.listTasks();
    assert.equal(items.length, 50);
    assert.ok(total > 60);
    assert.equal((await client.listTasks('?limit=1000')).items.length, total);
  });

  it('a task without run_immediately is queued', async () => {
    const { status } = await client.createTask({ type: 'wait', params: { ms: 0 } });
    assert.notEqual(status, 'created');
  });
});
