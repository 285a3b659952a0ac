import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { transaction } from '../../../src/main/database/connect.ts';
import type { TaskRow } from '../../../src/main/engine/task.ts';
import { Wake } from '../../../src/main/engine/wake.ts';
import { endAs } from '../../support/end-as.ts';
import { startTestEngine } from '../../support/engine.ts';
import { putInto } from '../../support/task-states.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';
import { waitFor } from '../../support/wait-for.ts';

let api: TestApi;
let database: pg.Pool;
before(async () => {
  api = await startTestApi();
  database = api.database;
});
after(() => api?.stop());

const CALL = 'select heddle_submit($1, $2, $3) as id';

async function submit(type: string | null, params: unknown = {}, options: unknown = {}): Promise<string> {
  const values = [type, JSON.stringify(params), JSON.stringify(options)];
  return (await database.query<{ id: string }>(CALL, values)).rows[0]?.id as string;
}

async function taskOf(id: string): Promise<TaskRow> {
  return (await database.query<TaskRow>('select * from tasks where id = $1', [id])).rows[0] as TaskRow;
}

async function count(): Promise<number> {
  return (await database.query('select count(*)::int as count from tasks')).rows[0].count;
}

async function refusal(...submission: Parameters<typeof submit>): Promise<string> {
  const before = await count();
  const error: unknown = await submit(...submission).then(
    () => assert.fail('was accepted'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof pg.DatabaseError);
  assert.deepEqual([error.code, error.hint], ['22023', 'See docs/submit-from-sql.md.']);
  assert.equal(await count(), before);
  return error.message;
}

describe('heddle_submit()', () => {
  it('makes a task with the limits of its type, of which the history tells who asked', async () => {
    const { rows } = await database.query(`select heddle_submit('anything') as id, session_user as name`);
    const { id, name } = rows[0];
    const task = await taskOf(id);
    assert.deepEqual(
      [task.status, task.params, task.max_retries, task.attempt, task.unique_key, task.timeout_seconds],
      ['queued', {}, 2, 0, null, null],
    );
    assert.deepEqual(task.run_at, task.created_at);
    const { json } = await api.call('GET', `/api/v1/tasks/${id}/events`);
    assert.deepEqual([json.items[0].to, json.items[0].actor], ['queued', `sql:${name}`]);
  });

  it('takes every option, by name', async () => {
    const run_at = new Date(Date.now() + 3_600_000);
    const { rows } = await database.query(
      `select heddle_submit('anything', '{"a":[1,{"b":null}]}'::jsonb, options => $1) as id`,
      [
        JSON.stringify({
          description: 'über',
          domain: 'd',
          drift_score: 0.25,
          run_immediately: false,
          priority: -100,
          run_at,
          max_retries: 0,
          timeout_seconds: 1.5,
          unique_key: 'k',
          depends_on: [],
          on_dependency_failure: 'run',
        }),
      ],
    );
    const task = await taskOf(rows[0].id);
    assert.deepEqual([task.params, task.status, task.run_at], [{ a: [1, { b: null }] }, 'created', run_at]);
    assert.deepEqual([task.description, task.domain, task.drift_score], ['über', 'd', 0.25]);
    assert.deepEqual([task.priority, task.max_retries, task.timeout_seconds], [-100, 0, 1.5]);
    assert.equal(task.unique_key, 'k');
  });

  it('makes a task wait for others, in the same transaction', async () => {
    const { rows } = await database.query<{ id: string }>(`
      with first as materialized (select heddle_submit('anything') as id)
      select heddle_submit('anything', options => jsonb_build_object('depends_on', array[id, id])) as id from first`);
    const child = await taskOf(rows[0]?.id as string);
    const [parent] = child.depends_on;
    assert.deepEqual([child.status, child.depends_on], ['created', [parent]]);
    await endAs(database, 'failed', [parent as string]);
    assert.equal((await taskOf(child.id)).error, `dependency ${parent} of type anything failed`);
    const again = await taskOf(
      await submit(
        'anything',
        {},
        { depends_on: [parent], on_dependency_failure: 'run', run_immediately: false },
      ),
    );
    assert.deepEqual([again.status, again.run_when_released], ['created', false]);
  });

  it('leaves the dependencies of the same work as they are', async () => {
    const [one, other] = [await submit('anything'), await submit('anything')];
    const id = await submit('anything', {}, { unique_key: 'waits', depends_on: [one] });
    assert.equal(await submit('anything', {}, { unique_key: 'waits', depends_on: [other] }), id);
    const { rows } = await database.query('select depends_on from task_dependencies where task_id = $1', [
      id,
    ]);
    assert.deepEqual(rows, [{ depends_on: one }]);
  });

  it('is refused when there is no such task to wait for', async () => {
    const nobody = '0199c0de-0000-7000-8000-000000000000';
    const error = { code: '23503', detail: nobody };
    await assert.rejects(submit('anything', {}, { depends_on: [nobody] }), error);
  });

  it('counts a delay from now, takes times as SQL makes them, and one in the past as now', async () => {
    const delayed = await taskOf(await submit('anything', {}, { delay_seconds: 90.5 }));
    assert.equal(Number(delayed.run_at) - Number(delayed.created_at), 90_500);
    const { rows } = await database.query(
      `select heddle_submit('anything', options => jsonb_build_object('run_at', now() + interval '1 hour')) as id`,
    );
    const later = await taskOf(rows[0].id);
    assert.equal(Number(later.run_at) - Number(later.created_at), 3_600_000);
    const late = await taskOf(await submit('anything', {}, { run_at: '1999-12-31T23:00:00+02:00' }));
    assert.deepEqual(late.run_at, late.created_at);
  });

  it('takes null for absent: of SQL and of JSON, in every argument', async () => {
    const { rows } = await database.query(
      `select heddle_submit('anything', null, null) as sql, heddle_submit('anything', 'null', 'null') as json`,
    );
    for (const id of Object.values<string>(rows[0])) assert.deepEqual((await taskOf(id)).params, {});
  });

  it('is rolled back with its transaction, and nobody is woken', async () => {
    const before = await count();
    await listening(async (payloads) => {
      const rolledBack = transaction(database, async (client) => {
        await client.query(`select heddle_submit('anything')`);
        throw new Error('changed my mind');
      });
      await assert.rejects(rolledBack, /changed my mind/);
      assert.equal(await count(), before);
      await submit('anything', {}, { delay_seconds: 2 });
      await waitFor('the second one', () => payloads.length > 0);
      assert.deepEqual(payloads, ['2000']);
    });
  });

  it('wakes the runners once for many tasks that are due, and not for a task that waits for somebody', async () => {
    await listening(async (payloads) => {
      await submit('anything', {}, { run_immediately: false });
      const { rows } = await database.query(
        `select count(heddle_submit('anything', jsonb_build_object('n', n))) from generate_series(1, 1000) as n`,
      );
      assert.equal(rows[0].count, '1000');
      await submit('anything', {}, { delay_seconds: 1 });
      await waitFor('both', () => payloads.length > 1);
      assert.deepEqual(payloads, ['0', '1000']);
    });
  });

  it('uses the tables it was made with, whatever the caller has of these names', async () => {
    const { rows } = await transaction(database, async (client) => {
      await client.query('create schema elsewhere; set local search_path = elsewhere');
      await client.query('create table tasks (id int); create temporary table task_types (name text)');
      const found = await client.query(`select public.heddle_submit('once', '{"elsewhere":1}') as id`);
      await client.query('drop table elsewhere.tasks, pg_temp.task_types; drop schema elsewhere');
      return found;
    });
    assert.deepEqual((await taskOf(rows[0].id)).params, { elsewhere: 1 });
  });

  it('needs usage of the schema and a few rights on two tables, and no more', async () => {
    const role = `shop_${randomUUID().slice(0, 8)}`;
    await database.query(`create role ${role}`);
    const asShop = (then = '') =>
      transaction(database, async (client) => {
        await client.query(`set local role ${role}`);
        const { rows } = await client.query(
          `select heddle_submit('anything', options => '{"unique_key":"shop"}') as id`,
        );
        if (then !== '') await client.query(then);
        return rows[0].id as string;
      });
    try {
      await database.query(`revoke all on schema public from public, ${role}`);
      await assert.rejects(asShop(), /heddle_submit\(.*\) does not exist|permission denied for schema/);
      await database.query(`grant usage on schema public to ${role}`);
      await assert.rejects(asShop(), /permission denied for table task_types/);
      for (const grant of GRANTS) await database.query(`${grant} to ${role}`);
      const id = await asShop();
      assert.equal(await asShop(), id);
      await assert.rejects(asShop('delete from tasks'), /permission denied/);
      await assert.rejects(asShop('select params from tasks'), /permission denied/);
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`);
      await database.query('grant usage on schema public to public');
    }
  });

  it('lets a runner that is woken run it at once', async () => {
    const heddle = await startTestEngine({ threads: 1 });
    const wake = new Wake(
      heddle.runnerId,
      heddle.database.url,
      { due: (inMs) => heddle.engine.wake(inMs), cancel() {} },
      heddle.events.observe,
    );
    try {
      wake.start();
      await heddle.events.next('listening');
      const waits: number[] = [];
      for (let n = 0; n < 9; n++) {
        const { rows } = await heddle.pool.query(`select heddle_submit('no-op') as id`);
        const { created_at, started_at } = await heddle.finished(rows[0].id);
        waits.push(Number(started_at) - Number(created_at));
      }
      // The engine polls twice a second.
      const median = waits.sort((a, b) => a - b)[4] as number;
      assert.ok(median < 150, `they waited ${waits.join(', ')} ms`);
    } finally {
      await wake.stop();
      await heddle.stop();
    }
  });
});

/** As docs/submit-from-sql.md has them. */
const GRANTS = [
  'grant select on task_types',
  'grant insert, select (id, type, status, unique_key, run_at, max_retries), update (max_retries, updated_at) on tasks',
];

describe('heddle_submit() refuses', () => {
  it('a type that nobody has published, with those that there are', async () => {
    const message = `There is no task type 'nope'. Known are: anything, greet, once.`;
    assert.equal(await refusal('nope'), message);
    assert.equal(await refusal(null), 'type must not be empty');
    assert.equal(await refusal(''), 'type must not be empty');
  });

  it('a periodic type', async () => {
    assert.equal(await refusal('tick'), `'tick' is a periodic task: the scheduler submits it.`);
  });

  it('params and options that are no objects', async () => {
    for (const value of [[], 'x', 1, true]) {
      assert.equal(await refusal('anything', value), 'params must be an object');
      assert.equal(await refusal('anything', {}, value), 'options must be an object');
    }
  });

  it('every wrong option, all in one message', async () => {
    assert.equal(
      await refusal('anything', {}, { priority: 101, urgent: true, run_at: 'tomorrow' }),
      'options.priority must be a whole number from -100 to 100; ' +
        'options.run_at must be an ISO 8601 time with an offset or Z; options.urgent is not a known field',
    );
  });
});

describe('equal submissions from SQL', () => {
  it('are one task, also with those over HTTP, and each further one allows one more retry', async () => {
    const params = { a: 1, b: { c: 'x', d: [1.5, -0.001, 1e21] } };
    const first = await api.submit({ type: 'once', params });
    assert.equal(await submit('once', { b: { d: [1.5, -0.001, 1e21], c: 'x' }, a: 1 }), first.id);
    const { json } = await api.call('POST', '/api/v1/tasks', { type: 'once', params });
    assert.deepEqual([json.id, json.deduplicated, json.max_retries], [first.id, true, 5]);
    assert.notEqual(await submit('once', { a: 1 }), first.id);
  });

  it('by a key are one task whatever their params, but only of one type', async () => {
    const id = await submit('anything', { x: 1 }, { unique_key: 'both' });
    assert.equal(await submit('anything', { x: 2 }, { unique_key: 'both' }), id);
    assert.equal((await api.submit({ type: 'anything', unique_key: 'both' })).id, id);
    assert.notEqual(await submit('once', {}, { unique_key: 'both' }), id);
  });

  it('are new work when the first has ended', async () => {
    for (const status of ['completed', 'failed', 'cancelled'] as const) {
      const id = await submit('once', { ended: status });
      await putInto(database, id, status);
      assert.notEqual(await submit('once', { ended: status }), id);
    }
  });

  it('are one row and one id when 50 come at the same time, some of them over HTTP', async () => {
    const params = { stampede: true };
    const ids = await Promise.all(
      Array.from({ length: 50 }, async (_, n) =>
        n % 5 === 0 ? ((await api.submit({ type: 'once', params })).id as string) : submit('once', params),
      ),
    );
    assert.equal(new Set(ids).size, 1);
    const { rows } = await database.query(`select max_retries from tasks where params ? 'stampede'`);
    assert.deepEqual(rows, [{ max_retries: 3 + 49 }]);
  });

  it('wait for a transaction that has the first, and are new work when it is rolled back', async () => {
    const waiting = await transaction(database, async (client) => {
      await client.query(CALL, ['once', { open: 1 }, {}]);
      const other = submit('once', { open: 1 });
      await waitFor('the other to wait', async () => (await locked()) === 1);
      await client.query('rollback; begin');
      return { other };
    });
    const task = await taskOf(await waiting.other);
    assert.deepEqual([task.params, task.max_retries], [{ open: 1 }, 3]);
  });

  async function locked(): Promise<number> {
    const { rows } = await database.query(
      `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows[0].count;
  }
});

async function listening(work: (payloads: string[]) => Promise<void>): Promise<void> {
  const client = await database.connect();
  const payloads: string[] = [];
  client.on('notification', ({ payload }) => payloads.push(payload ?? ''));
  try {
    await client.query('listen heddle_due');
    await work(payloads);
  } finally {
    client.release(true);
  }
}
