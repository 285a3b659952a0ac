import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Client, createClient, TaskTimeoutError } from '../../src/client/index.ts';
import { type Api, startApi } from '../../src/main/api.ts';
import { readConfig } from '../../src/main/config.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { putInto } from '../support/task-states.ts';
import { publishTaskTypes } from '../support/task-types.ts';
import { waitFor } from '../support/wait-for.ts';

let database: TestDatabase;
let api: Api;
let client: Client;

before(async () => {
  database = await createTestDatabase();
  await publishTaskTypes(database.pool());
  const config = readConfig({ PORT: '0' });
  const parts = { databaseUrl: database.url, observe: () => {}, pendingMigrations: async () => [] };
  api = await startApi(config, parts);
  client = createClient({ url: api.url });
});
after(async () => {
  await api?.stop();
  await database?.drop();
});

const finish = (id: string, status: 'completed' | 'failed') => putInto(database.pool(), id, status);

describe('a client', () => {
  it('submits tasks and looks at them', async () => {
    const task = await client.submit(
      'greet',
      { name: 'Ada' },
      { priority: 7, delay_seconds: 60, domain: 'd' },
    );
    assert.deepEqual(
      [task.type, task.params, task.priority, task.domain],
      ['greet', { name: 'Ada' }, 7, 'd'],
    );
    assert.deepEqual(await client.get(task.id), task);
    assert.equal((await client.get(task.id.slice(-12))).id, task.id);
    assert.equal((await client.status(task.id)).status, 'queued');
    assert.deepEqual(
      (await client.events(task.id)).map(({ to }) => to),
      ['queued'],
    );
    assert.deepEqual([await client.attempts(task.id), await client.logs(task.id)], [[], []]);
  });

  it('submits a batch in its order', async () => {
    const tasks = ['a', 'b'].map((name) => ({ type: 'greet', params: { name } }));
    const submitted = await client.submitBatch(tasks);
    assert.deepEqual(
      submitted.map(({ params }) => params.name),
      ['a', 'b'],
    );
  });

  it('says that the same work was there already', async () => {
    const first = await client.submit('once', { n: 1 });
    const again = await client.submit('once', { n: 1 }, { waitSeconds: 1 });
    assert.deepEqual([again.id, first.deduplicated, again.deduplicated], [first.id, undefined, true]);
  });

  it('lists all that match, however many pages they are', async () => {
    const tasks = Array.from({ length: 450 }, (_, n) => ({
      type: 'anything',
      params: { n },
      domain: 'many',
    }));
    await client.submitBatch(tasks);
    const found: unknown[] = [];
    for await (const { params } of client.tasks({ domain: 'many', status: 'queued' })) found.push(params.n);
    assert.deepEqual(
      found,
      Array.from({ length: 450 }, (_, n) => 449 - n),
    );
    const { items, total, next_cursor } = await client.taskPage({ domain: 'many', limit: 3 });
    assert.deepEqual([items.length, total], [3, 450]);
    const next = await client.taskPage({ domain: 'many', limit: 3, cursor: next_cursor as string });
    assert.equal(next.items[0]?.params.n, 446);
  });

  it('runs, cancels and deletes', async () => {
    const { id } = await client.submit('anything', {}, { run_immediately: false });
    assert.equal((await client.run(id)).status, 'queued');
    assert.equal((await client.cancel(id)).status, 'cancelled');
    assert.equal(await client.delete(id), id);
    await assert.rejects(client.get(id), { status: 404, type: '/problems/task-not-found' });
  });

  it('cancels and runs many at once', async () => {
    await client.submitBatch([1, 2].map((n) => ({ type: 'anything', params: { n }, domain: 'both' })));
    const both = { domain: 'both', status: ['queued', 'cancelled'] } as const;
    assert.deepEqual(await client.cancelAll({ ...both, dry_run: true }), { matched: 2, changed: 0 });
    assert.deepEqual(await client.cancelAll(both), { matched: 2, changed: 2 });
    assert.equal((await client.runAll(both)).changed, 2);
  });

  it('waits for the end of a task, also while it submits', async () => {
    const { id } = await client.submit('anything');
    const wait = client.wait(id, { timeoutSeconds: 30 });
    await finish(id, 'failed');
    assert.equal((await wait).status, 'failed');

    const submitted = client.submit('anything', { awaited: true }, { waitSeconds: 30 });
    await finish(await found('awaited'), 'completed');
    assert.deepEqual((await submitted).result, { done: true });
  });

  it('waits no longer than it should', async () => {
    const { id } = await client.submit('anything');
    await assert.rejects(client.wait(id, { timeoutSeconds: 0.1 }), (error) => {
      assert.ok(error instanceof TaskTimeoutError);
      assert.equal(error.message, `the task ${id} is still queued after 0.1 s`);
      assert.equal(error.task.id, id);
      return true;
    });
    const { status } = await client.submit('anything', {}, { waitSeconds: 0.1 });
    assert.equal(status, 'queued');
  });

  it('tells what happens to a task', async () => {
    const { id } = await client.submit('anything');
    const told: string[] = [];
    for await (const event of client.watch(id)) {
      told.push(event.type);
      if (told.length === 1) await finish(id, 'completed');
    }
    assert.deepEqual(told, ['status', 'status', 'status', 'complete']);
  });

  it('knows what there is', async () => {
    assert.deepEqual(
      (await client.taskTypes()).map(({ name }) => name),
      ['anything', 'greet', 'once', 'tick'],
    );
    assert.deepEqual(
      (await client.periodicTasks()).map(({ name }) => name),
      ['tick'],
    );
    assert.deepEqual(await client.runners(), []);
    assert.equal((await client.health()).status, 'degraded');
  });

  it('keeps facts', async () => {
    const fact = await client.facts.create({ text: 'Water is wet.', tags: ['water', 'wet'] });
    const changed = await client.facts.update(fact.id, { meta_data: { sure: true } });
    assert.deepEqual([changed.text, changed.meta_data], ['Water is wet.', { sure: true }]);
    assert.deepEqual(await client.facts.get(fact.id), changed);
    assert.equal((await client.facts.list({ q: 'wet', tag: ['water', 'wet'] })).total, 1);
    assert.equal(await client.facts.delete(fact.id), fact.id);
  });

  it('pauses, resumes and runs periodic tasks', async () => {
    assert.equal((await client.pausePeriodic('tick')).paused, true);
    assert.equal((await client.resumePeriodic('tick')).paused, false);
    assert.equal((await client.runPeriodic('tick')).name, 'tick');
    assert.equal((await client.taskPage({ type: 'tick' })).total, 1);
  });
});

/** The id of the task with this key in its params, once it is there. */
function found(key: string): Promise<string> {
  return waitFor(`the task with ${key}`, async () => {
    const statement = 'select id from tasks where params ? $1';
    return (await database.pool().query<{ id: string }>(statement, [key])).rows[0]?.id;
  });
}
