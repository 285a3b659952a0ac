import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { Heddle } from '../support/heddle.ts';
import { byKey, createMarks, mostAtOnce, mostStartsWithin, type Span, spansOf } from '../support/marks.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

const TASKS_DIR = fileURLToPath(new URL('../fixtures/tasks', import.meta.url));

describe('limits of four runners that share one database', { concurrency: false }, () => {
  let database: TestDatabase;
  let directory: string;
  const runners: Heddle[] = [];
  before(async () => {
    database = await createTestDatabase();
    directory = await temporaryDirectory();
    await createMarks(database.pool());
  });
  after(async () => {
    for (const { child } of runners) child.kill('SIGKILL');
    await Promise.all(runners.map(({ ended }) => ended));
    await database.drop();
    await rm(directory, { recursive: true, force: true });
  });

  it('hold when one of them is killed, and its slots are free again', async () => {
    for (let count = 0; count < 4; count++) runners.push(startRunner());
    await waitFor('all to claim', async () => (await countRunners()) === 4, 30_000);
    await add('two-everywhere', 40, (at) => ({ ms: 40 + (at % 3) * 20 }));
    await add('one-per-key', 45, (at) => ({ key: `key ${at % 3}`, ms: 40 }));
    await add('five-a-second', 25, () => ({}));

    const victim = await waitFor('one that runs something', () => busyRunner(), 20_000);
    victim.child.kill('SIGKILL');
    await victim.ended;
    const killedAt = Date.now();
    await waitFor('all to end', async () => (await countUnfinished()) === 0, 60_000);

    const two = await spansOf(database.pool(), 'two-everywhere');
    assert.equal(mostAtOnce(two, killedAt), 2);
    for (const spans of byKey(await spansOf(database.pool(), 'one-per-key')).values())
      assert.equal(mostAtOnce(spans, killedAt), 1);
    const five = await spansOf(database.pool(), 'five-a-second');
    assert.ok(mostStartsWithin(five, 1000) <= 5, `${mostStartsWithin(five, 1000)} starts in a second`);
    const by = await runnersOf([...two, ...five]);
    assert.ok(by > 1, 'not one runner alone');
  });

  function startRunner(): Heddle {
    const env = {
      DATABASE_URL: database.url,
      THREADS: '2',
      RUNNER_PORT: '0',
      RUNNER_MODE: 'shared',
      TASKS_DIR,
    };
    return new Heddle(['runner'], env, directory);
  }

  async function busyRunner(): Promise<Heddle | undefined> {
    const { rows } = await database.pool().query<{ pid: number }>(
      `select r.pid from tasks t join runners r on r.id = t.runner_id
       where t.status = 'running' and t.type in ('two-everywhere', 'one-per-key') limit 1`,
    );
    return runners.find(({ child }) => child.pid === rows[0]?.pid);
  }

  async function add(type: string, count: number, params: (at: number) => object): Promise<void> {
    await database.pool().query(
      `with added as (
         insert into tasks (type, params, status, max_retries)
         select $1, p, 'queued', 5 from jsonb_array_elements($2::jsonb) p returning id
       ), told as materialized (select pg_notify('heddle_due', '0'))
       select count(*) from added, told`,
      [type, JSON.stringify(Array.from({ length: count }, (_, at) => params(at)))],
    );
  }

  async function countRunners(): Promise<number> {
    return count(`select count(*)::int as n from runners where status = 'active'`);
  }

  async function countUnfinished(): Promise<number> {
    return count(`select count(*)::int as n from tasks where status in ('queued', 'running')`);
  }

  async function count(statement: string): Promise<number> {
    const { rows } = await database.pool().query<{ n: number }>(statement);
    return rows[0]?.n ?? 0;
  }

  async function runnersOf(spans: readonly Span[]): Promise<number> {
    const { rows } = await database
      .pool()
      .query('select distinct runner_id from tasks where id = any($1)', [
        spans.map(({ task_id }) => task_id),
      ]);
    return rows.length;
  }
});
