import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it, type TestContext } from 'node:test';
import type pg from 'pg';
import { connect, disconnect } from '../../../src/main/database/connect.ts';
import { Settler } from '../../../src/main/engine/settle.ts';
import { type CapturedEvents, captureEvents } from '../../support/capture-events.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { begin, type Claimed, OUTCOMES, settlement } from '../../support/end-as.ts';
import { waitFor } from '../../support/wait-for.ts';

/* One settlement of a batch that cannot be written, or takes long: what becomes of it, and of the others. */

const MANY = 300;

let database: TestDatabase;
let pool: pg.Pool;
before(async () => {
  database = await createTestDatabase();
  pool = database.pool();
  await pool.query(OBSTACLES);
});
afterEach(() => pool.query('truncate obstacles, tasks cascade'));
after(() => database.drop());

describe('a settlement that cannot be written', () => {
  it('holds up nobody, is told of, is tried again by itself, and is written once it can be', async (t) => {
    const { settler, events, bad } = await settleMany(t, 'raise');
    await waitFor('the others', async () => (await count('completed')) === MANY - 1);
    const told = await events.next('settle_postponed', isOf(bad));
    assert.deepEqual([told.task_type, told.reason], ['any', 'not this one']);
    await events.next('settle_postponed', isOf(bad));
    assert.deepEqual([await count('running'), settler.late], [1, [bad.claim_token]]);

    await pool.query('truncate obstacles');
    await settler.written();
    assert.deepEqual([await count('completed'), settler.late], [MANY, []]);
    assert.deepEqual(await pool.query('select from task_attempts').then(({ rowCount }) => rowCount), 0);
    assert.equal(events.of('attempt_ended').length, MANY, 'each is told of once');
    const refused = events.of('settle_postponed').filter(({ reason }) => reason !== LOCKED);
    assert.ok(refused.every(isOf(bad)));
  });

  it('is the same when the database calls it a wrong value, also that the task has failed for it', async (t) => {
    const { settler, events, bad } = await settleMany(t, 'refuse');
    await waitFor('the others', async () => (await count('completed')) === MANY - 1);
    await events.next('settle_postponed', isOf(bad));
    await pool.query('truncate obstacles');
    await settler.written();
    assert.equal(await count('completed'), MANY, 'with its own outcome after all');
  });

  it('is given up when that is asked for: nobody waits for it', async (t) => {
    const { settler, events, bad } = await settleMany(t, 'raise');
    await waitFor('the others', async () => (await count('completed')) === MANY - 1);
    await events.next('settle_postponed', isOf(bad));
    settler.giveUpLate();
    await settler.written();
    assert.deepEqual([await count('completed'), await count('running')], [MANY - 1, 1]);
    await pool.query('truncate obstacles');
    assert.deepEqual(settler.late, []);
  });
});

describe('a settlement that takes long', () => {
  it('is written, whatever the timeout of statements is; the others do not wait for it', async (t) => {
    const { settler, events } = await settleMany(t, 'dawdle', { options: '-c statement_timeout=400' });
    await waitFor('the others', async () => (await count('completed')) === MANY - 1);
    assert.equal(await count('running'), 1);
    await settler.written();
    assert.equal(await count('completed'), MANY);
    const postponed = events.of('settle_postponed').map(({ reason }) => reason);
    assert.deepEqual(
      postponed.filter((reason) => reason !== LOCKED),
      [],
    );
  });

  it('is written, although nobody waits that long for an answer; what was sent first is ended', async (t) => {
    const { settler } = await settleMany(t, 'dawdle', { query_timeout: '400' });
    await waitFor('the others', async () => (await count('completed')) === MANY - 1);
    assert.equal(await count('running'), 1);
    await settler.written();
    assert.equal(await count('completed'), MANY);
  });

  it('is not waited for when it is given up', async (t) => {
    const { settler } = await settleMany(t, 'sleep', { options: '-c statement_timeout=200' });
    await waitFor('the others', async () => (await count('completed')) === MANY - 1);
    settler.giveUpLate();
    await settler.written();
    assert.equal(await count('running'), 1);
  });
});

/**
 * Settles many tasks in one batch, one of which the database treats in its own way.
 * @param parameters of the connections
 */
async function settleMany(
  t: TestContext,
  how: 'raise' | 'refuse' | 'dawdle' | 'sleep',
  parameters: Record<string, string> = {},
): Promise<{ settler: Settler; events: CapturedEvents; bad: Claimed }> {
  const { rows } = await pool.query<{ id: string }>(ADD, [MANY]);
  const tasks = await begin(
    pool,
    rows.map(({ id }) => id),
  );
  const bad = tasks[MANY / 3] as Claimed;
  await pool.query('insert into obstacles values ($1, $2)', [bad.id, how]);
  const url = new URL(database.url);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  const events = captureEvents();
  const own = connect(url.href, 'a settler', events.observe);
  const settler = new Settler(own, events.observe, { beforeSettling: async () => {}, settled() {} });
  t.after(async () => {
    settler.giveUpLate();
    await disconnect(own);
    await pool.query(END_SETTLER);
  });
  for (const task of tasks) settler.add(settlement(task, OUTCOMES.completed));
  return { settler, events, bad };
}

/** Of others than the bad one when their rows are still locked by the statement that has just failed. */
const LOCKED = 'somebody keeps a row locked';

function isOf(bad: Claimed): (event: { task_id: string }) => boolean {
  return ({ task_id }) => task_id === bad.id;
}

async function count(status: string): Promise<number> {
  const { rowCount } = await pool.query('select from tasks where status = $1', [status]);
  return rowCount ?? 0;
}

const ADD = `insert into tasks (type, status) select 'any', 'queued' from generate_series(1, $1) returning id`;

const END_SETTLER = `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'a settler'`;

/** Stands in for whatever can be wrong with one row: a trigger of somebody's, a page that is damaged, many dependants. */
const OBSTACLES = `
create table obstacles (task_id uuid, how text);
create function meet_obstacle() returns trigger language plpgsql as $$ begin
  case (select how from obstacles where task_id = new.id)
    when 'raise' then raise exception 'not this one';
    when 'refuse' then raise exception using errcode = 'check_violation', message = 'not this one';
    when 'dawdle' then perform pg_sleep(1.5);
    when 'sleep' then perform pg_sleep(60);
    else null;
  end case;
  return new;
end $$;
create trigger meet_obstacle before update on tasks
  for each row when (old.status = 'running') execute function meet_obstacle()`;
