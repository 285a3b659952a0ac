import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { connect } from '../src/main/database/connect.ts';
import { claim } from '../src/main/engine/claim.ts';
import { submit } from '../src/main/engine/submit.ts';
import { TaskTypeCatalogue } from '../src/main/engine/task-types.ts';
import { Pruner } from '../src/main/leader/prune.ts';
import { createTestDatabase } from '../test/support/database.ts';
import { addLiveRunner } from '../test/support/runner-row.ts';
import { publishTaskTypes } from '../test/support/task-types.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { percentile } from './support/statistics.ts';

/** How long claims take while very many old tasks are deleted, compared with the same claims before that. */
export async function prune({ quick, say }: BenchOptions): Promise<Row[]> {
  const database = await createTestDatabase();
  const pool = connect(database.url, 'heddle bench', () => {});
  try {
    const tasks = quick ? 50_000 : 1_000_000;
    await publishTaskTypes(pool);
    await fill(database.url, tasks);
    const claims = new Claims(pool);
    await claims.prepare();
    await claims.measure((done) => done >= 100);
    const idle = await claims.measure((done) => done >= (quick ? 200 : 1000));

    const startedAt = performance.now();
    let pruned: number | null = null;
    const pruner = new Pruner(pool, { completedDays: 7, failedDays: 30, ticks: 1000 }, (event) => {
      if (event.event === 'pruned') pruned = event.tasks;
    });
    const ended = pruner.prune();
    const busy = await claims.measure(() => pruned !== null);
    await ended;
    const seconds = (performance.now() - startedAt) / 1000;
    say(
      `${pruned} pruned in ${seconds.toFixed(1)} s, ${idle.length} claims before and ${busy.length} meanwhile`,
    );
    return [toRow(tasks, idle, busy)];
  } finally {
    await pool.end();
    await database.drop();
  }
}

/** Claims of tasks that were submitted a moment before, as in a runner with a few to do. */
class Claims {
  readonly #pool: pg.Pool;
  readonly #runnerId = randomUUID();
  readonly #catalogue: TaskTypeCatalogue;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
    this.#catalogue = new TaskTypeCatalogue(pool);
  }

  prepare(): Promise<unknown> {
    return addLiveRunner(this.#pool, this.#runnerId);
  }

  /** @returns how long each claim took, in milliseconds */
  async measure(isEnough: (done: number) => boolean): Promise<number[]> {
    const times: number[] = [];
    while (!isEnough(times.length)) {
      await submit(this.#pool, this.#catalogue, BUNDLE, 'bench');
      const startedAt = performance.now();
      const claimed = await claim(this.#pool, this.#runnerId, ROOM);
      times.push(performance.now() - startedAt);
      await this.#pool.query(COMPLETE, [claimed.map(({ id }) => id)]);
      await sleep(EVERY_MS);
    }
    return times;
  }
}

const EVERY_MS = 10;
const BUNDLE = Array.from({ length: 20 }, () => ({ type: 'anything' }));
const ROOM = {
  wanted: [{ type: 'anything', free: BUNDLE.length, quick: true, tick: false }],
  most: BUNDLE.length,
  mostSlow: BUNDLE.length,
};
const COMPLETE =
  "update tasks set status = 'completed', finished_at = now(), updated_at = now() where id = any($1)";

/** Tasks that ended eight days ago, each with a line of its log, and one in sixteen with an attempt that failed before. */
async function fill(databaseUrl: string, count: number): Promise<void> {
  // Not of a pool of ours: its statements have a deadline.
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(FILL, [count]);
  for (const statement of [LINES, ATTEMPTS, 'vacuum analyze', 'checkpoint']) await client.query(statement);
  await client.end();
}

const FILL = `
insert into tasks (id, type, params, status, attempt, created_at, started_at, finished_at, last_run_at)
select (lpad(to_hex((extract(epoch from now() - interval '8 days') * 1000)::bigint + n / 10), 12, '0')
    || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid,
  'anything', '{"message": "hello", "count": 3}', 'completed', 1, at, at, at, at
from generate_series(1, $1::int) n, lateral (select now() - interval '8 days' as at) t`;

const LINES = `
insert into task_logs (task_id, attempt, at, level, message)
select id, 1, now(), 'info', 'done'
from tasks`;

const ATTEMPTS = `
insert into task_attempts (task_id, claim_token, attempt, runner_id, started_at, outcome, status_after)
select id, 1, 1, gen_random_uuid(), now(), 'failed', 'queued'
from tasks
where id::text like '%7'`;

const TARGET = 2;

function toRow(tasks: number, idle: readonly number[], busy: readonly number[]): Row {
  const [before, meanwhile] = [percentile(idle, 0.99), percentile(busy, 0.99)];
  const ratio = meanwhile / before;
  return {
    what: `claim p99 while ${tasks.toLocaleString('en')} old tasks are pruned`,
    target: `< ${TARGET} × idle`,
    measured: `${ratio.toFixed(2)} ×: ${meanwhile.toFixed(1)} to ${before.toFixed(1)} ms`,
    met: ratio < TARGET,
  };
}
