import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type Queryable, transaction } from '../../../src/main/database/connect.ts';
import { Pruner } from '../../../src/main/leader/prune.ts';
import { type CapturedEvents, captureEvents } from '../../support/capture-events.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let captured: CapturedEvents;

beforeEach(async () => {
  database = await createTestDatabase();
  captured = captureEvents();
});
afterEach(() => database.drop());

describe('finished tasks past their retention go', () => {
  test('completed ones after theirs, failed and cancelled ones after theirs', async () => {
    for (const status of ['completed', 'failed', 'cancelled', 'queued', 'created', 'running']) {
      for (const days of [1, 8, 31]) await insert(`${status} ${days}`, status, days, days);
    }
    await prune();
    assert.deepEqual(await left(), [
      'cancelled 1',
      'cancelled 8',
      'completed 1',
      'created 1',
      'created 31',
      'created 8',
      'failed 1',
      'failed 8',
      'queued 1',
      'queued 31',
      'queued 8',
      'running 1',
      'running 31',
      'running 8',
    ]);
    assert.deepEqual(captured.of('pruned'), [{ event: 'pruned', tasks: 4 }]);
  });

  test('a fraction of a day counts', async () => {
    await insert('a minute', 'completed', 1 / 1440, 1 / 1440);
    await insert('a second', 'completed', 1 / 86_400, 1 / 86_400);
    await prune({ completedDays: 0.0001 });
    assert.deepEqual(await left(), ['a second']);
  });

  test('zero keeps them for ever, and so does a million days', async () => {
    await insert('completed', 'completed', 9000, 9000);
    await insert('failed', 'failed', 9000, 9000);
    await prune({ completedDays: 0, failedDays: 1_000_000 });
    assert.deepEqual(await left(), ['completed', 'failed']);
    assert.deepEqual(captured.events, []);
  });

  test('one that was created long ago and finished lately stays, and goes in its time', async () => {
    const pruner = new Pruner(database.pool(), RETENTION, captured.observe);
    await insert('slow', 'completed', 100, 1);
    await pruner.prune();
    assert.deepEqual(await left(), ['slow']);
    await query("update tasks set finished_at = now() - interval '8 days'");
    await pruner.prune();
    assert.deepEqual(await left(), []);
  });

  test('with everything that belongs to them', async () => {
    await insert('old', 'completed', 8, 8);
    await query(
      "insert into task_logs (task_id, attempt, at, level, message) select id, 1, now(), 'info', 'hello' from tasks",
    );
    await prune();
    assert.equal((await query('select from task_logs')).rowCount, 0);
  });

  test('in statements of no more than a thousand', async () => {
    await insertMany(2500, 'completed', 8);
    await insertMany(1200, 'failed', 40);
    const sizes: number[] = [];
    await new Pruner(counting('deleted', sizes), RETENTION, captured.observe).prune();
    assert.deepEqual(await left(), []);
    assert.equal(sum(sizes), 3700);
    assert.ok(Math.max(...sizes) <= 1000);
  });
});

describe('a type with a retention of its own', () => {
  test('is kept longer or shorter, by how its tasks ended, and 0 is for ever', async () => {
    await ownRetention('long', 100, null);
    await ownRetention('short', 1, 2);
    await ownRetention('eternal', 0, 0);
    for (const type of ['long', 'short', 'eternal', 'any']) {
      for (const status of ['completed', 'failed']) {
        for (const days of [0.5, 3, 50]) {
          await insert(`${type} ${status} ${days}`, status, days, days);
          await query('update tasks set type = $1 where description = $2', [
            type,
            `${type} ${status} ${days}`,
          ]);
        }
      }
    }
    await prune();
    assert.deepEqual(await left(), [
      'any completed 0.5',
      'any completed 3',
      'any failed 0.5',
      'any failed 3',
      'eternal completed 0.5',
      'eternal completed 3',
      'eternal completed 50',
      'eternal failed 0.5',
      'eternal failed 3',
      'eternal failed 50',
      'long completed 0.5',
      'long completed 3',
      'long completed 50',
      'long failed 0.5',
      'long failed 3',
      'short completed 0.5',
      'short failed 0.5',
    ]);
  });

  test('takes over at the next round when it is published anew', async () => {
    const pruner = new Pruner(database.pool(), RETENTION, captured.observe);
    await ownRetention('any', 100, 100);
    await insert('old', 'completed', 50, 50);
    await pruner.prune();
    assert.deepEqual(await left(), ['old']);
    await ownRetention('any', 10, 100);
    await pruner.prune();
    assert.deepEqual(await left(), []);
  });

  test('is not walked through whole by every round', async () => {
    await ownRetention('any', 100, null);
    await insertMany(60_000, 'completed', 8);
    const walked: number[] = [];
    const pruner = new Pruner(counting('walked', walked), RETENTION, captured.observe);
    await pruner.prune();
    assert.ok(sum(walked) >= 60_000);
    await insert('other', 'completed', 7.0001, 7.0001);
    await query("update tasks set type = 'other' where description = 'other'");
    walked.length = 0;
    await pruner.prune();
    assert.ok(sum(walked) < 25_000, `${sum(walked)} were walked`);
    const { rowCount } = await query("select from tasks where type = 'other'");
    assert.equal(rowCount, 0);
  });

  async function ownRetention(name: string, completed: number | null, failed: number | null): Promise<void> {
    await query(
      `insert into task_types (name, kind, timeout_seconds, max_retries, retry, poll_interval_seconds,
        retention_completed_days, retention_failed_days)
      values ($1, 'database', 60, 0, '{}', 5, $2, $3)
      on conflict (name) do update set retention_completed_days = $2, retention_failed_days = $3`,
      [name, completed, failed],
    );
  }
});

test('what has just been reached, and took a while to finish, goes in its minute', async () => {
  const pruner = new Pruner(database.pool(), RETENTION, captured.observe);
  await insertMany(30_000, 'queued', 20);
  const minutes = 1 / 1440;
  await insert('soon', 'completed', 7 + minutes, 7 - minutes);
  await pruner.prune();
  await query("update tasks set finished_at = finished_at - interval '2 minutes' where description = 'soon'");
  await pruner.prune();
  const { rowCount } = await query("select from tasks where description = 'soon'");
  assert.equal(rowCount, 0);
});

test('a task that an unfinished one depends on stays', async () => {
  for (const status of ['created', 'queued', 'running', 'completed']) {
    const id = await insert(`before ${status}`, 'completed', 8, 8);
    const failed = await insert(`failed before ${status}`, 'failed', 40, 40);
    const child = await insert(status, status, 1, 1);
    const waits = "depends_on = $1, on_dependency_failure = 'run', run_when_released = false";
    await query(`update tasks set ${waits} where id = $2`, [[id, failed], child]);
    await query('select heddle_depend($1)', [[child]]);
  }
  await prune();
  assert.deepEqual(
    (await left()).filter((name) => name.includes('before')),
    ['created', 'queued', 'running'].flatMap((s) => [`before ${s}`, `failed before ${s}`]).sort(),
  );
});

test('a row that somebody has locked is left for the next time', async () => {
  await insert('locked', 'completed', 8, 8);
  await insert('free', 'completed', 8, 8);
  await transaction(database.pool(), async (client) => {
    await client.query("select from tasks where description = 'locked' for update");
    await prune();
    assert.deepEqual(await left(), ['locked']);
  });
  await prune();
  assert.deepEqual(await left(), []);
});

describe('of the finished ticks of a periodic type', () => {
  test('the last ones stay, and unfinished ones do not count', async () => {
    await periodic('beat', 'other');
    await ticks('beat', 'completed', 1, 10);
    await ticks('beat', 'failed', 11, 12);
    await ticks('beat', 'queued', 13, 14);
    await ticks('other', 'completed', 1, 5);
    await prune({ ticks: 5 });
    assert.deepEqual(await left(), [
      'beat 10',
      'beat 11',
      'beat 12',
      'beat 13',
      'beat 14',
      'beat 8',
      'beat 9',
      'other 1',
      'other 2',
      'other 3',
      'other 4',
      'other 5',
    ]);
  });

  test('many are deleted in many statements', async () => {
    await periodic('beat');
    await ticks('beat', 'completed', 1, 2300);
    await prune({ ticks: 3, completedDays: 0 });
    assert.deepEqual(await left(), ['beat 2298', 'beat 2299', 'beat 2300']);
  });

  test('older ones than the retention go in any case', async () => {
    await periodic('beat');
    await ticks('beat', 'completed', 1, 3);
    await query(`update tasks set finished_at = now() - interval '8 days',
      id = overlay(id::text placing '00000001' from 1 for 8)::uuid where description <> 'beat 3'`);
    await prune();
    assert.deepEqual(await left(), ['beat 3']);
  });
});

test('runners that stopped or were lost a day ago go, unless they still have tasks', async () => {
  const runner = (name: string, status: string, hours: number) =>
    query(
      `insert into runners (id, host, pid, version, mode, role, status, lease_seconds, last_seen_at)
      values (gen_random_uuid(), $1, 1, '1', 'shared', 'member', $2, 8, now() - make_interval(hours => $3)) returning id`,
      [name, status, hours],
    );
  await runner('stopped long ago', 'stopped', 25);
  await runner('stopped', 'stopped', 23);
  await runner('died long ago', 'lost', 25);
  await runner('alive, and the clock has jumped', 'active', 25);
  const { rows } = await runner('not rescued', 'lost', 25);
  const id = await insert('running', 'running', 1, 1);
  await query('update tasks set runner_id = $1 where id = $2', [rows[0]?.id, id]);
  await prune();
  const { rows: kept } = await query('select host from runners order by host');
  assert.deepEqual(
    kept.map((row) => row.host),
    ['alive, and the clock has jumped', 'not rescued', 'stopped'],
  );
});

test('pruning begins soon after the start', async (t) => {
  await insert('old', 'completed', 8, 8);
  const pruner = new Pruner(database.pool(), RETENTION, captured.observe);
  pruner.start();
  t.after(() => pruner.stop());
  await captured.next('pruned');
});

const RETENTION = { completedDays: 7, failedDays: 30, ticks: 1000 };

function prune(retention: Partial<typeof RETENTION> = {}): Promise<void> {
  return new Pruner(database.pool(), { ...RETENTION, ...retention }, captured.observe).prune();
}

// biome-ignore lint/suspicious/noExplicitAny: rows of any statement
function query(statement: string, values?: unknown[]): Promise<{ rows: any[]; rowCount: number | null }> {
  return database.pool().query(statement, values);
}

/** The database, with a note of what each pruning statement tells. */
function counting(what: 'walked' | 'deleted', told: number[]): Queryable {
  return {
    async query(...args: Parameters<typeof query>) {
      const result = await query(...args);
      if (typeof result.rows[0]?.[what] === 'number') told.push(result.rows[0][what]);
      return result;
    },
  } as unknown as Queryable;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** A task that was created, and finished, so many days ago. @returns its id */
async function insert(
  name: string,
  status: string,
  createdDays: number,
  finishedDays: number,
): Promise<string> {
  const [id] = await insertRows(name, 1, status, createdDays, finishedDays);
  return id as string;
}

async function insertMany(count: number, status: string, days: number): Promise<void> {
  await insertRows('many', count, status, days, days);
}

async function insertRows(
  name: string,
  count: number,
  status: string,
  createdDays: number,
  finishedDays: number,
): Promise<string[]> {
  const { rows } = await query(
    `insert into tasks (id, type, description, status, claim_token, runner_id, finished_at)
    select (lpad(to_hex((extract(epoch from now() - make_interval(secs => $4::float8 * 86400)) * 1000)::bigint), 12, '0')
        || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid,
      'any', $1, $3, 1, gen_random_uuid(), now() - make_interval(secs => $5::float8 * 86400)
    from generate_series(1, $2)
    returning id`,
    [name, count, status, createdDays, finishedDays],
  );
  return rows.map((row) => row.id);
}

async function periodic(...names: string[]): Promise<void> {
  await query("insert into periodic_tasks (name, schedule) select unnest($1::text[]), 'every 30 seconds'", [
    names,
  ]);
}

async function ticks(type: string, status: string, from: number, to: number): Promise<void> {
  await query(
    `insert into tasks (type, description, status, slot, finished_at)
    select $1, $1 || ' ' || n, $2, to_timestamp(n), now() from generate_series($3::int, $4::int) n`,
    [type, status, from, to],
  );
}

async function left(): Promise<string[]> {
  const { rows } = await query('select description from tasks order by description collate "C"');
  return rows.map((row) => row.description);
}

test('idempotency keys go a day after they were used', async () => {
  await database.pool().query(
    `insert into idempotency_keys (id, fingerprint, status, body, created_at)
     select sha256(n::text::bytea), '', 201, '{}', now() - n * interval '1 minute'
     from generate_series(1, 4000) as n`,
  );
  await prune();
  const { rows } = await database.pool().query('select count(*)::int as count from idempotency_keys');
  assert.deepEqual(rows, [{ count: 24 * 60 - 1 }]);
});

test('files go that no document has claimed within an hour, with their pieces', async () => {
  await query(
    `insert into documents (id, title, media_type, bytes, sha256) select gen_random_uuid(), 'a', 'b', 1, 'c'`,
  );
  await query(
    'insert into document_files (document_id, created_at) select id, now() - interval $$2 hours$$ from documents',
  );
  await query(
    `insert into document_files (created_at) select now() - n * interval '59.5 minutes' from generate_series(1, 25) n`,
  );
  await query(`insert into document_pieces (file_id, piece, bytes) select id, 0, 'x' from document_files`);
  await prune();
  const { rows } = await query(
    'select f.document_id is not null as claimed from document_files f join document_pieces on file_id = f.id',
  );
  assert.deepEqual(rows.map(({ claimed }) => claimed).sort(), [false, true]);
});
