import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Settler } from '../../../src/main/engine/settle.ts';
import { Rescuer } from '../../../src/main/leader/rescue.ts';
import { captureEvents } from '../../support/capture-events.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { addRunnerRow, makeLeader } from '../../support/runner-row.ts';
import { waitFor } from '../../support/wait-for.ts';

describe('a rescue', () => {
  let database: TestDatabase;
  let leader: string;
  before(async () => {
    database = await createTestDatabase();
    leader = await addRunnerRow(database.pool());
    await makeLeader(database.pool(), leader);
  });
  after(() => database.drop());

  it('queues what a dead runner held at once, uses up a retry, and leaves a live runner alone', async () => {
    const [deadId, liveId] = [await addRunner(60), await addRunner(0)];
    const again = await addTask(deadId, 1);
    const done = await addTask(deadId, 0);
    const untouched = await addTask(liveId, 1);

    const events = captureEvents();
    await rescueUntil(again, events.observe);

    const tasks = await read([again, done, untouched]);
    const message = `lost: runner ${deadId} died`;
    assert.deepEqual(tasks.get(again), {
      status: 'queued',
      attempt: 1,
      error: message,
      due: true,
      token: null,
    });
    assert.deepEqual(tasks.get(done), {
      status: 'failed',
      attempt: 1,
      error: message,
      due: true,
      token: null,
    });
    assert.equal(tasks.get(untouched)?.status, 'running');
    const { rows } = await database
      .pool()
      .query('select outcome, runner_id from task_attempts where task_id = $1', [again]);
    assert.deepEqual(rows, [{ outcome: 'lost', runner_id: deadId }]);
    assert.equal(events.of('task_rescued').length, 2);
    const runners = await database.pool().query('select id from runners where status = $1', ['lost']);
    assert.deepEqual(runners.rows, [{ id: deadId }]);
  });

  it('cancels what was to be cancelled', async () => {
    const id = await addTask(await addRunner(60), 3);
    await database.pool().query('update tasks set cancel_requested_at = now() where id = $1', [id]);
    await rescueUntil(id);
    assert.equal((await read([id])).get(id)?.status, 'cancelled');
  });

  it('of a task that cannot be settled holds up no other one, nor another runner that died', async () => {
    const [one, other] = [await addRunner(60), await addRunner(60)];
    const bad = await addTask(one, 1);
    const [beside, elsewhere] = [await addTask(one, 1), await addTask(other, 1)];
    await database.pool().query(refusing(bad));
    const looking = rescuer(() => {});
    await waitFor('the others', async () => {
      await looking.rescue();
      const tasks = await read([beside, elsewhere]);
      return [...tasks.values()].every(({ status }) => status === 'queued');
    });
    assert.equal((await read([bad])).get(bad)?.status, 'running');
    await database.pool().query('drop trigger refuse on tasks');
    await waitFor('the last one', async () => (await read([bad])).get(bad)?.status === 'queued');
  });

  /** Silence has to be heard for a while: not the first look finds a dead runner. */
  async function rescueUntil(id: string, observe: (event: never) => void = () => {}): Promise<void> {
    const looking = rescuer(observe);
    await waitFor('the rescue', async () => {
      await looking.rescue();
      return (await read([id])).get(id)?.status !== 'running';
    });
  }

  /** A trigger of somebody's that fails. */
  function refusing(id: string): string {
    return `
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
      create trigger refuse before update on tasks for each row when (old.id = '${id}') execute function refuse()`;
  }

  function rescuer(observe: (event: never) => void): Rescuer {
    const pool = database.pool();
    const settler = new Settler(pool, observe as () => void, {
      beforeSettling: async () => {},
      settled: () => {},
    });
    return new Rescuer(leader, pool, settler, observe as () => void);
  }

  function addRunner(silentSeconds: number): Promise<string> {
    return addRunnerRow(database.pool(), { silentSeconds, leaseSeconds: silentSeconds === 0 ? 8 : 0.4 });
  }

  async function addTask(runnerId: string, maxRetries: number): Promise<string> {
    const { rows } = await database.pool().query<{ id: string }>(
      `insert into tasks (type, status, attempt, max_retries, runner_id, claim_token, started_at)
       values ('any', 'running', 1, $2, $1, nextval('claim_tokens'), now()) returning id`,
      [runnerId, maxRetries],
    );
    return (rows[0] as { id: string }).id;
  }

  async function read(ids: string[]) {
    const { rows } = await database
      .pool()
      .query<{ id: string; status: string }>(
        'select id, status, attempt, error, run_at <= now() as due, claim_token as token from tasks where id = any($1)',
        [ids],
      );
    return new Map(rows.map(({ id, ...task }) => [id, task]));
  }
});
