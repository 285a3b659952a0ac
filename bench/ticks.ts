import { fileURLToPath } from 'node:url';
import { createTestDatabase } from '../test/support/database.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { percentile } from './support/statistics.ts';
import { BenchTenure } from './support/tenure.ts';

/** How late the ticks of a periodic task begin, in a whole runner that has nothing else to do, and whether they drift. */
export async function ticks({ quick, say }: BenchOptions): Promise<Row[]> {
  const count = quick ? 10 : 100;
  const database = await createTestDatabase();
  const runner = await BenchTenure.prepare(database.url, { tasks: TASKS });
  try {
    const ended = runner.heard.settled(count + 1);
    await runner.start();
    await ended;
    const { rows } = await runner.pool.query<Tick>(TICKS, [count]);
    const late = rows.map(({ late_ms }) => late_ms);
    const drift = Math.max(...rows.map(({ off_ms }) => Math.abs(off_ms)));
    const [p50, p99] = [percentile(late, 0.5), percentile(late, 0.99)];
    say(`p50 ${p50.toFixed(1)} ms, most ${Math.max(...late).toFixed(1)} ms`);
    const what = `${rows.length} ticks, one a second, idle`;
    return [
      { what: `${what}: late, p99`, target: '< 100 ms', measured: `${p99.toFixed(1)} ms`, met: p99 < 100 },
      { what: `${what}: drift`, target: '0 ms', measured: `${drift} ms`, met: drift === 0 },
    ];
  } finally {
    await runner.stop();
    await database.drop();
  }
}

/** Not among the other tasks: they would tick in every benchmark. */
const TASKS = fileURLToPath(new URL('./periodic-tasks', import.meta.url));

interface Tick {
  late_ms: number;
  /** From the place that it has on the grid of the first one. */
  off_ms: number;
}

/**
 * By the database's clock alone: from the slot to the thread's first line. The first tick is left out: it is due in the
 * moment in which the runner comes up, and its file is loaded for it.
 */
const TICKS = `
select extract(epoch from started_at - slot)::float8 * 1000 as late_ms,
  (extract(epoch from slot - first_value(slot) over slots) * 1000 - row_number() over slots * 1000 + 1000)::float8 as off_ms
from tasks
where type = 'tick-each-second' and status = 'completed'
window slots as (order by slot)
order by slot
offset 1 limit $1`;
