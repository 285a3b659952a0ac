import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type pg from 'pg';
import { type Api, startApi } from '../../../../src/main/api.ts';
import { readConfig } from '../../../../src/main/config.ts';
import { type CapturedEvents, captureEvents } from '../../../support/capture-events.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/database.ts';
import { askForStory, brief, storyOf, wholeStory } from '../../../support/story.ts';
import { putInto } from '../../../support/task-states.ts';
import { publishTaskTypes } from '../../../support/task-types.ts';
import { waitFor } from '../../../support/wait-for.ts';

let testDatabase: TestDatabase;
let database: pg.Pool;
let api: Api;
const events: CapturedEvents = captureEvents();

before(async () => {
  testDatabase = await createTestDatabase();
  database = testDatabase.pool();
  await publishTaskTypes(database);
  api = await start();
});
after(async () => {
  await api?.stop();
  await testDatabase?.drop();
});

function start(): Promise<Api> {
  const { observe } = events;
  return startApi(readConfig({ PORT: '0' }), {
    databaseUrl: testDatabase.url,
    observe,
    pendingMigrations: async () => [],
  });
}

async function newTask(): Promise<string> {
  const { rows } = await database.query<{ id: string }>(
    `insert into tasks (type, status) values ('anything', 'queued') returning id`,
  );
  return (rows[0] as { id: string }).id;
}

async function log(id: string, message: string, attempt = 1): Promise<void> {
  await database.query(
    `insert into task_logs (task_id, attempt, at, level, message, fields) values ($1, $2, now(), 'info', $3, '{"a":1}')`,
    [id, attempt, message],
  );
}

async function progress(id: string, fraction: number): Promise<void> {
  await database.query(
    `update tasks set progress = jsonb_build_object('fraction', $2::float8, 'message', null) where id = $1`,
    [id, fraction],
  );
}

/** A task whose first attempt failed, and whose second one completed it. */
async function troubledTask(): Promise<string> {
  const id = await newTask();
  await database.query(
    `insert into task_attempts (task_id, claim_token, attempt, runner_id, started_at, outcome, error, status_after)
     values ($1, nextval('claim_tokens'), 1, $2, now(), 'failed', '{"name":"Error","message":"no luck"}', 'queued')`,
    [id, randomUUID()],
  );
  await log(id, 'first');
  await log(id, 'second');
  await putInto(database, id, 'completed');
  await database.query('update tasks set attempt = 2 where id = $1', [id]);
  await log(id, 'third', 2);
  await progress(id, 0.5);
  return id;
}

const TROUBLED =
  'status:queued status:running log:first log:second status:queued status:running log:third progress:0.5 ' +
  'status:completed complete:completed';

describe("a task's stream", () => {
  it('tells the whole story of a finished task, and ends', async () => {
    const id = await troubledTask();
    const response = await askForStory(api.url, id);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.equal(response.headers.get('x-accel-buffering'), 'no');
    const story = await wholeStory(response);
    assert.equal(brief(story), TROUBLED);
    assert.equal(new Set(story.map((told) => told.id)).size, story.length);
    for (const { event, data } of story) assert.deepEqual([data.type, data.task_id], [event, id]);
  });

  it('has data of documented shapes', async () => {
    const id = await troubledTask();
    const story = await wholeStory(await askForStory(api.url, id));
    const first = (event: string) => story.find((told) => told.event === event)?.data;
    const fields = (event: string) => Object.keys(first(event)).slice(2).join();
    assert.equal(fields('status'), 'status,at,from,to,attempt,actor,detail,message');
    assert.equal(fields('log'), 'status,timestamp,at,attempt,level,message,fields');
    assert.equal(fields('progress'), 'fraction,message');
    assert.equal(fields('complete'), 'status,result,error,message');
    const { status, at, from, to, actor } = first('status');
    assert.deepEqual([status, from, to, actor], ['queued', null, 'queued', 'sql']);
    assert.match(at, /^\d{4}-.*\.\d{3}Z$/);
    assert.deepEqual([first('log').status, first('log').fields], ['running', { a: 1 }]);
    assert.deepEqual(first('complete').result, { done: true });
    assert.equal(first('complete').message, 'The task is completed.');
  });

  it('goes on after any of its events, and is over after the last', async () => {
    const id = await troubledTask();
    const story = await wholeStory(await askForStory(api.url, id));
    for (const [index, { id: last }] of story.entries()) {
      const rest = story.slice(index + 1);
      const byHeader = await askForStory(api.url, id, { 'last-event-id': last });
      const byQuery = await askForStory(api.url, `${id}/logs?last_event_id=${last}#`);
      for (const response of [byHeader, byQuery]) {
        assert.equal(response.status, rest.length === 0 ? 204 : 200);
        assert.deepEqual(await wholeStory(response), rest);
      }
    }
  });

  it('tells what happens while it happens', async () => {
    const id = await newTask();
    const story = storyOf(await askForStory(api.url, id));
    const next = async () => brief([(await story.next()).value as never]);
    assert.equal(await next(), 'status:queued');
    await putInto(database, id, 'running');
    assert.equal(await next(), 'status:running');
    await log(id, 'line');
    assert.equal(await next(), 'log:line');
    await progress(id, 0.25);
    assert.equal(await next(), 'progress:0.25');
    await database.query(
      `update tasks set status = 'completed', finished_at = now(), updated_at = now() where id = $1`,
      [id],
    );
    assert.equal(await next(), 'status:completed');
    await log(id, 'last words of a task that completed itself');
    assert.equal(await next(), 'log:last words of a task that completed itself');
    assert.equal(await next(), 'complete:completed');
    assert.equal((await story.next()).done, true);
  });

  it('tells a task anew that is run again after its end', async () => {
    const id = await newTask();
    await putInto(database, id, 'cancelled');
    const story = await wholeStory(await askForStory(api.url, id));
    assert.equal(brief(story), 'status:queued complete:cancelled');
    const last = story.at(-1)?.id as string;
    await fetch(`${api.url}/api/v1/tasks/${id}/run`, { method: 'POST' });
    await putInto(database, id, 'cancelled');
    const rest = await wholeStory(await askForStory(api.url, id, { 'last-event-id': last }));
    assert.equal(brief(rest), 'status:queued complete:cancelled');
  });

  it('tells a log that is longer than an answer of the database', async () => {
    const id = await newTask();
    await putInto(database, id, 'running');
    await database.query(
      `insert into task_logs (task_id, attempt, at, level, message)
       select $1, 1, now(), 'info', case when n % 100 = 0 then repeat('x', 300000) else n::text end from generate_series(1, 450) n`,
      [id],
    );
    await database.query(`update tasks set status = 'completed', finished_at = now() where id = $1`, [id]);
    const story = await wholeStory(await askForStory(api.url, id));
    const lines = story.filter(({ event }) => event === 'log');
    assert.equal(lines.length, 450);
    assert.deepEqual([lines[0]?.data.message, lines[449]?.data.message], ['1', '450']);
    assert.equal(brief(story.slice(0, 2)), 'status:queued status:running');
    assert.equal(brief(story.slice(-2)), 'status:completed complete:completed');
  });

  it('ends with an error when the task is deleted, and is gone after that', async () => {
    const id = await newTask();
    const story = storyOf(await askForStory(api.url, id));
    const { value: first } = await story.next();
    await database.query('delete from tasks where id = $1', [id]);
    const { value: error } = await story.next();
    assert.deepEqual([error?.event, error?.data.message], ['error', 'The task was deleted.']);
    assert.equal((await story.next()).done, true);
    const again = await askForStory(api.url, id, { 'last-event-id': first?.id as string });
    assert.equal(again.status, 404);
  });

  it('stays while the database is away, and goes on', async () => {
    const id = await newTask();
    const story = storyOf(await askForStory(api.url, id));
    await story.next();
    await database.query('alter table tasks rename to tasks_away');
    await events.next('database_error', ({ during }) => during === 'watching tasks');
    await database.query('alter table tasks_away rename to tasks');
    await putInto(database, id, 'running');
    assert.equal((await story.next()).value?.data.status, 'running');
    await story.return(undefined);
  });
});

describe('who gets the stream', () => {
  const asked = async (path: string, accept?: string, method = 'GET') => {
    const caller = new AbortController();
    const headers = accept === undefined ? {} : { accept };
    const response = await fetch(`${api.url}/api/v1/tasks/${path}`, {
      method,
      headers,
      signal: caller.signal,
    });
    caller.abort();
    return [response.status, response.headers.get('content-type')?.split(';')[0]];
  };
  const STREAM = [200, 'text/event-stream'];
  const LIST = [200, 'application/json'];

  it('is who prefers it, and clients of SeedCore, which say how often they would look', async () => {
    const id = await newTask();
    assert.deepEqual(await asked(`${id}/logs`, 'text/event-stream'), STREAM);
    assert.deepEqual(await asked(`${id}/logs`, 'application/json;q=0.5, text/event-stream'), STREAM);
    assert.deepEqual(await asked(`${id}/logs?poll_interval=1.0`), STREAM);
    assert.deepEqual(await asked(`${id}/logs`), LIST);
    assert.deepEqual(await asked(`${id}/logs`, '*/*'), LIST);
    assert.deepEqual(await asked(`${id}/logs`, 'text/event-stream;q=0.5, application/json'), LIST);
    assert.deepEqual(await asked(`${id}/logs`, 'text/event-stream', 'HEAD'), LIST);
  });

  it('is nobody who asks for no task, or to go on after something else', async () => {
    const id = await newTask();
    assert.equal((await askForStory(api.url, randomUUID())).status, 404);
    for (const odd of ['7', `${'9'.repeat(30)}.0.0.0..queued`]) {
      const response = await askForStory(api.url, id, { 'last-event-id': odd });
      assert.equal(response.status, 400);
      assert.equal(((await response.json()) as { type: string }).type, '/problems/bad-parameter');
      assert.equal((await askForStory(api.url, `${id}/logs?last_event_id=${odd}#`)).status, 400);
    }
  });

  it('is nobody when too many have it, until one of them goes', async () => {
    const id = await newTask();
    const other = await start();
    const callers = Array.from({ length: 256 }, () => new AbortController());
    try {
      const opened = await Promise.all(
        callers.map(({ signal }) => askForStory(other.url, id, {}, { signal })),
      );
      assert.ok(opened.every(({ status }) => status === 200));
      const refused = await askForStory(other.url, id);
      assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '5']);
      callers[0]?.abort();
      await waitFor('a place', async () => {
        const caller = new AbortController();
        const { status } = await askForStory(other.url, id, {}, { signal: caller.signal });
        caller.abort();
        return status === 200;
      });
    } finally {
      for (const caller of callers) caller.abort();
      await other.stop();
    }
  });
});

describe('an API that stops', () => {
  it('ends its streams at once, also those that nobody reads', async () => {
    const [id, long] = [await newTask(), await newTask()];
    await database.query(
      `insert into task_logs (task_id, attempt, at, level, message)
       select $1, 1, now(), 'info', repeat('x', 200000) from generate_series(1, 100) n`,
      [long],
    );
    const other = await start();
    let stopped: Promise<void> | undefined;
    const deaf = connect(Number(new URL(other.url).port), '127.0.0.1');
    try {
      const story = storyOf(await askForStory(other.url, id));
      await story.next();
      deaf.write(`GET /api/v1/tasks/${long}/logs HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`);
      await once(deaf, 'data');
      deaf.pause();
      const startedAt = performance.now();
      stopped = other.stop();
      assert.equal((await story.next()).done, true);
      await stopped;
      assert.ok(performance.now() - startedAt < 3000);
    } finally {
      deaf.destroy();
      await (stopped ?? other.stop());
    }
  });
});
