import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { Settler } from '../../../src/main/engine/settle.ts';
import { isDead, type OtherRunner, Rescuer } from '../../../src/main/leader/rescue.ts';
import { captureEvents } from '../../support/capture-events.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

describe('a runner that holds tasks', () => {
  const runner: OtherRunner = {
    id: randomUUID(),
    host: 'here',
    pid: 4711,
    status: 'active',
    lease_seconds: 8,
    silent_seconds: 1,
  };
  const dead = (change: Partial<OtherRunner>, alive = true) =>
    isDead({ ...runner, ...change }, 'here', () => alive);

  it('lives while its process does, or while another host has heard of it within its lease', () => {
    assert.equal(dead({}), false);
    assert.equal(dead({ host: 'there' }, false), false);
    assert.equal(dead({ status: 'draining' }), false);
  });

  it('is dead when its process on this host is gone', () => assert.equal(dead({}, false), true));
  it('is dead when its process was given our own id', () => assert.equal(dead({ pid: process.pid }), true));
  it('is dead after its lease, wherever it is', () =>
    assert.equal(dead({ host: 'there', silent_seconds: 8.1 }), true));
  it('is dead when it said so', () => assert.equal(dead({ status: 'stopped' }), true));
  it('is dead when nothing is known of it', () => {
    assert.equal(
      dead({ host: null, pid: null, status: null, lease_seconds: null, silent_seconds: null }),
      true,
    );
  });
});

describe('a rescue', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('queues what a dead runner held at once, uses up a retry, and leaves a live runner alone', async () => {
    const [deadId, liveId] = [await addRunner(60), await addRunner(0)];
    const again = await addTask(deadId, 1);
    const done = await addTask(deadId, 0);
    const untouched = await addTask(liveId, 1);

    const events = captureEvents();
    await rescuer(events.observe).rescue();

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
    await rescuer(() => {}).rescue();
    assert.equal((await read([id])).get(id)?.status, 'cancelled');
  });

  function rescuer(observe: (event: never) => void): Rescuer {
    const pool = database.pool();
    const settler = new Settler(pool, observe as () => void, {
      beforeSettling: async () => {},
      settled: () => {},
    });
    return new Rescuer(randomUUID(), pool, settler, observe as () => void);
  }

  async function addRunner(silentSeconds: number): Promise<string> {
    const id = randomUUID();
    await database.pool().query(
      `insert into runners (id, host, pid, version, mode, role, status, last_seen_at, lease_seconds)
       values ($1, $2, 1, '0', 'singleton', 'leader', 'active', now() - $3 * interval '1 second', 8)`,
      [id, `not ${hostname()}`, silentSeconds],
    );
    return id;
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
