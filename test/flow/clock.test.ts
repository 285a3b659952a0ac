import assert from 'node:assert/strict';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FaultBench } from '../support/fault-bench.ts';
import type { Heddle } from '../support/heddle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { waitFor } from '../support/wait-for.ts';

/* A runner whose wall clock is wrong, or jumps. What is due, late or dead is what the database's clock says. */

const TASKS_DIR = fileURLToPath(new URL('../fixtures/clock', import.meta.url));
const SHIFT_CLOCK = new URL('../support/shift-clock.js', import.meta.url).href;
const HOUR_MS = 3_600_000;
const PERIODIC = ['tick-by-interval', 'tick-by-cron'];

let bench: FaultBench;
let directory: string;
let clock: string;

before(async () => {
  bench = await FaultBench.open();
  directory = await temporaryDirectory();
  clock = join(directory, 'clock');
});

afterEach(async () => {
  await bench.endAll();
  await bench.query('truncate tasks cascade; truncate runners, periodic_tasks');
});

after(async () => {
  await bench.close();
  await rm(directory, { recursive: true, force: true });
});

for (const [name, offsetMs] of [
  ['an hour ahead', HOUR_MS],
  ['an hour behind', -HOUR_MS],
] as const) {
  test(`${name}: tasks, delays, retries and ticks come when they are due by the database's clock`, async () => {
    await setClock(offsetMs);
    const runner = await runnerWithClock();
    await assertOnTime(offsetMs);
    await assertTicks(3);
    await assertNothingRescued([runner]);
    assert.equal(await runner.stop(), 0);
  });
}

test('jumps of an hour, back and forth, in mid-run: no attempt ends, no tick is lost or doubled, no standby takes over', async () => {
  await setClock(0);
  const runner = await runnerWithClock();
  const standby = await bench.runner({ TASKS_DIR });
  const long = await bench.submit('wait', { ms: 4000 }, { timeout_seconds: 20 });
  await bench.reaches(long, 'running');
  for (const offsetMs of [HOUR_MS, -HOUR_MS, 0]) {
    await setClock(offsetMs);
    await assertOnTime(offsetMs);
  }
  assert.deepEqual([(await bench.finished(long)).status, (await bench.task(long)).attempt], ['completed', 1]);
  await assertTicks(5);
  await assertNothingRescued([runner, standby]);
  assert.equal(standby.events('leader_elected').length, 0);
  assert.equal(await runner.stop(), 0);
});

test('a standby whose clock is an hour ahead takes over no sooner, and goes on with the same ticks', async () => {
  const runner = await bench.runner({ TASKS_DIR });
  await setClock(HOUR_MS);
  const standby = await runnerWithClock();
  await assertTicks(3);
  await assertNothingRescued([runner, standby]);
  assert.equal(standby.events('leader_elected').length, 0);
  assert.equal(await runner.stop(), 0);
  await waitFor('the takeover', () => standby.events('leader_elected')[0]);
  await assertOnTime(HOUR_MS);
  await assertTicks(6);
  await assertNothingRescued([standby]);
});

/** In one step: who reads it meanwhile reads the one or the other. */
async function setClock(offsetMs: number): Promise<void> {
  await writeFile(`${clock}.new`, String(offsetMs));
  await rename(`${clock}.new`, clock);
}

function runnerWithClock(): Promise<Heddle> {
  return bench.runner({ TASKS_DIR, SHIFTED_CLOCK: clock, NODE_OPTIONS: `--import ${SHIFT_CLOCK}` });
}

/** A task at once, one with a delay and one with a retry, all of a second; the thread's own clock is the wrong one. */
async function assertOnTime(offsetMs: number): Promise<void> {
  const [now, delayed, retried] = await Promise.all([
    bench.submit('say-time'),
    bench.submit('say-time', {}, { delay_seconds: 1 }),
    bench.submit('say-time', { failures: 1 }),
  ]);
  for (const [id, leastMs, mostMs] of [
    [now, 0, 1500],
    [delayed, 1000, 2500],
    [retried, 1000, 3000],
  ] as const) {
    const { status, result } = await bench.finished(id);
    const { rows } = await bench.query<{ ms: number; at: number }>(TIMES, [id]);
    const { ms, at } = rows[0] as { ms: number; at: number };
    assert.equal(status, 'completed');
    assert.ok(ms >= leastMs - 5 && ms < mostMs, `after ${ms} ms, which should be ${leastMs} to ${mostMs}`);
    const wrongBy = (result as number) - at;
    assert.ok(Math.abs(wrongBy - offsetMs) < 2000, `the thread's clock is wrong by ${wrongBy} ms`);
  }
}

/** Every second has its tick, once, up to now; and they ran. @param least how many there have to be of each type */
async function assertTicks(least: number): Promise<void> {
  for (const type of PERIODIC) {
    await waitFor(`${least} ticks of ${type}`, async () => {
      const { rows } = await bench.query<{ ran: number }>(TICKS_RAN, [type]);
      return (rows[0]?.ran ?? 0) >= least;
    });
    const { rows } = await bench.query(GAPS, [type]);
    assert.deepEqual(
      rows,
      [],
      `${type} has ticks that are not a second after the one before, or ahead of time`,
    );
  }
}

async function assertNothingRescued(runners: Heddle[]): Promise<void> {
  for (const runner of runners) assert.deepEqual(runner.events('task_rescued'), []);
  const lost = await bench.query("select from task_attempts where outcome = 'lost'");
  assert.equal(lost.rowCount, 0);
  assert.equal((await bench.query("select from runners where status = 'lost'")).rowCount, 0);
}

const TIMES = `
select extract(epoch from finished_at - created_at)::float8 * 1000 as ms,
  extract(epoch from finished_at)::float8 * 1000 as at
from tasks where id = $1`;

const TICKS_RAN = `select count(*)::int as ran from tasks where type = $1 and slot is not null and status = 'completed'`;

const GAPS = `
select slot, previous from (
  select slot, lag(slot) over (order by slot) as previous from tasks where type = $1 and slot is not null
) s
where slot - previous <> interval '1 second' or slot > now()`;
