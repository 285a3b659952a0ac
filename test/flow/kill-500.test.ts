import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FaultBench } from '../support/fault-bench.ts';
import { waitFor } from '../support/wait-for.ts';

/* kill -9 of a runner that has 500 tasks before it, under way and behind it. */

const TASKS = 500;
/** Each 25th takes SLOW_MS; a runner has THREADS for them. */
const SLOW_EVERY = 25;
const SLOW_MS = 300;
const THREADS = 2;
/** Nobody has to wait for a lease to end: the limits below are for a slow machine, and far from it. */
const ENV = { THREADS: String(THREADS), LEASE_SECONDS: '60' };

let bench: FaultBench;

beforeEach(async () => {
  bench = await FaultBench.open();
  await bench.query('create table effects (task_id uuid, attempt int)');
  await bench.query(NOTE_CLAIMS);
});

afterEach(() => bench.close());

test('500 tasks and one runner: none is lost, only what was claimed runs again, and all is done soon after the restart', async (t) => {
  const killed = await bench.runner(ENV);
  await submitAll();
  await inTheMiddle();
  await bench.kill(killed);
  await bench.backendsGone();
  const claimed = await ids("status = 'running'");
  assert.ok(claimed.size > 0, 'something was in flight');
  const left = await bench.query<{ slow: number }>(
    "select count(*) filter (where params ? 'ms')::int as slow from tasks where status <> 'completed' and type = 'leave-effect'",
  );
  const ownMs = ((left.rows[0]?.slow ?? 0) / THREADS) * SLOW_MS;

  // From its being up: how long a process takes to come up is the machine's matter.
  await bench.runner(ENV);
  const restartedAt = performance.now();
  await allCompleted();
  const tookMs = performance.now() - restartedAt;
  t.diagnostic(`all done ${ms(tookMs)} after the restart, of which ${ms(ownMs)} are the tasks' own`);
  assert.ok(tookMs < 20_000 + ownMs, `it took ${ms(tookMs)}`);

  assert.deepEqual(await ids('attempt > 1'), claimed);
  assert.deepEqual(await ids("id in (select task_id from task_attempts where outcome = 'lost')"), claimed);
  await assertExplained();
});

test('500 tasks and a hot standby: what is rescued is claimed again soon after the kill', async (t) => {
  const killed = await bench.runner(ENV);
  const standby = await bench.runner(ENV);
  assert.equal(standby.events('runner_standby').length, 1);
  await submitAll();
  await inTheMiddle();
  const { rows } = await bench.query<{ now: Date }>('select clock_timestamp() as now');
  const killedAt = (rows[0] as { now: Date }).now;
  await bench.kill(killed);
  await allCompleted();

  const first = await bench.query<{ ms: number }>(
    'select extract(epoch from min(at) - $1)::float8 * 1000 as ms from claimed_again',
    [killedAt],
  );
  const againMs = first.rows[0]?.ms as number;
  t.diagnostic(`the first rescued task was claimed again ${ms(againMs)} after the kill`);
  assert.ok(againMs > 0 && againMs < 20_000, `it took ${ms(againMs)}`);
  await assertExplained();
});

/** A claim's own time is replaced, when the task is settled, by that at which its thread began. */
const NOTE_CLAIMS = `
create table claimed_again (at timestamptz);
create function note_claim() returns trigger language plpgsql as $$ begin
  insert into claimed_again values (clock_timestamp());
  return null;
end $$;
create trigger note_claim after update of status on tasks
  for each row when (new.status = 'running' and new.attempt > 1) execute function note_claim()`;

async function submitAll(): Promise<void> {
  const params = Array.from({ length: TASKS }, (_, at) => (at % SLOW_EVERY === 0 ? { ms: SLOW_MS } : {}));
  await bench.submitAll('leave-effect', params);
}

/** Some are done, some have been claimed, some wait. */
async function inTheMiddle(): Promise<void> {
  await waitFor('it to be in the middle of them', async () => {
    const { rows } = await bench.query(
      `select count(*) filter (where status = 'completed') >= 100 and count(*) filter (where status = 'running') > 0 as so
       from tasks where type = 'leave-effect'`,
    );
    return rows[0]?.so as boolean;
  });
  assert.ok((await ids("status = 'queued'")).size > 0, 'some still wait');
}

async function allCompleted(): Promise<void> {
  await waitFor(
    'all to be completed',
    async () => {
      const { rows } = await bench.query<{ done: number }>(
        "select count(*)::int as done from tasks where type = 'leave-effect' and status = 'completed'",
      );
      return rows[0]?.done === TASKS;
    },
    30_000,
  );
}

/** Every attempt but the one that completed its task is recorded as lost, and nothing took effect but in an attempt. */
async function assertExplained(): Promise<void> {
  const { rows } = await bench.query(
    `select count(*)::int as tasks,
       count(*) filter (where t.attempt <> 1 + lost.attempts)::int as unexplained,
       count(*) filter (where effects.attempts not between 1 and 1 + lost.attempts)::int as effects_unexplained
     from tasks t,
       lateral (select count(*) as attempts from task_attempts where task_id = t.id and outcome = 'lost') lost,
       lateral (select count(*) as attempts from effects where task_id = t.id) effects
     where t.type = 'leave-effect'`,
  );
  assert.deepEqual(rows, [{ tasks: TASKS, unexplained: 0, effects_unexplained: 0 }]);
  const others = await bench.query("select from task_attempts where outcome <> 'lost'");
  assert.equal(others.rowCount, 0);
}

async function ids(condition: string): Promise<Set<string>> {
  const { rows } = await bench.query<{ id: string }>(
    `select id from tasks where type = 'leave-effect' and ${condition}`,
  );
  return new Set(rows.map(({ id }) => id));
}

function ms(milliseconds: number): string {
  return `${Math.round(milliseconds)} ms`;
}
