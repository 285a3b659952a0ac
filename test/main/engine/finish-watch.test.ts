import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type pg from 'pg';
import { FinishWatch } from '../../../src/main/engine/finish-watch.ts';
import { captureEvents } from '../../support/capture-events.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { putInto } from '../../support/task-states.ts';

let testDatabase: TestDatabase;
let database: pg.Pool;
before(async () => {
  testDatabase = await createTestDatabase();
  database = testDatabase.pool();
});
after(() => testDatabase?.drop());

const never = () => new AbortController().signal;

async function newTask(): Promise<string> {
  const { rows } = await database.query<{ id: string }>(
    `insert into tasks (type, status) values ('any', 'queued') returning id`,
  );
  return (rows[0] as { id: string }).id;
}

describe('a wait for a task', () => {
  it('ends when it has finished, for everybody who waits, and for nobody else', async () => {
    const { observe } = captureEvents();
    const watch = new FinishWatch(database, observe);
    const [id, other] = [await newTask(), await newTask()];
    let isOtherOver = false;
    const waits = Array.from({ length: 100 }, () => watch.finished(id, 60, never()));
    const otherWait = watch.finished(other, 60, never()).then(() => {
      isOtherOver = true;
    });
    await putInto(database, id, 'completed');
    await Promise.all(waits);
    assert.equal(isOtherOver, false);
    watch.stop();
    await otherWait;
  });

  it('ends when the time is over, when the caller goes, and when the task does', async () => {
    const watch = new FinishWatch(database, captureEvents().observe);
    const [id, doomed] = [await newTask(), await newTask()];
    await watch.finished(id, 0.05, never());
    const caller = new AbortController();
    const wait = watch.finished(id, 60, caller.signal);
    caller.abort();
    await wait;
    await watch.finished(id, 60, caller.signal);
    const waitForDoomed = watch.finished(doomed, 60, never());
    await database.query('delete from tasks where id = $1', [doomed]);
    await waitForDoomed;
  });

  it('outlives a database that is away for a while', async () => {
    const events = captureEvents();
    const id = await newTask();
    const watch = new FinishWatch(database, events.observe);
    await database.query('alter table tasks rename to tasks_away');
    const wait = watch.finished(id, 60, never());
    await events.next('database_error');
    await database.query('alter table tasks_away rename to tasks');
    await putInto(database, id, 'failed');
    await wait;
  });

  it('ends at once when the watch has stopped', async () => {
    const watch = new FinishWatch(database, captureEvents().observe);
    watch.stop();
    await watch.finished(await newTask(), 60, never());
  });
});
