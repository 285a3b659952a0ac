import { createTestDatabase } from '../test/support/database.ts';
import { startBare, throughBare } from './support/bare.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { roundsIn } from './support/compute.ts';
import { BenchEngine } from './support/engine.ts';
import { medianRatio, spread } from './support/statistics.ts';
import { THREADS } from './support/task-types.ts';

/** Tasks that only compute, on as many threads as there are bare Node processes that do the same without an engine. */
export async function cpu({ quick, say }: BenchOptions): Promise<Row[]> {
  const tasks = quick ? 16 : 64;
  const rounds = roundsIn(TASK_MS);
  const database = await createTestDatabase();
  const heddle = await BenchEngine.prepare(database.url);
  const bare = await startBare(rounds);
  try {
    await heddle.start();
    await throughEngine(heddle, 2 * THREADS, rounds); // The code is warm, as that of the bare processes.
    const heddleMs: number[] = [];
    const bareMs: number[] = [];
    for (let round = 0; round < (quick ? 1 : 5); round++) {
      heddleMs.push(await throughEngine(heddle, tasks, rounds));
      bareMs.push(await throughBare(bare, tasks));
      say(`heddle ${heddleMs.at(-1)?.toFixed(0)} ms, bare processes ${bareMs.at(-1)?.toFixed(0)} ms`);
    }
    const ratio = medianRatio(heddleMs, bareMs);
    return [
      {
        what: `${tasks} tasks of ${TASK_MS} ms CPU on ${THREADS} threads`,
        target: `≤ ${TARGET} × bare processes`,
        measured: `${ratio.toFixed(2)} ×: ${spread(heddleMs)} to ${spread(bareMs)} ms`,
        met: ratio <= TARGET,
      },
    ];
  } finally {
    for (const child of bare) child.disconnect();
    await heddle.stop();
    await database.drop();
  }
}

const TASK_MS = 50;
const TARGET = 1.05;

/** From submit to the last settle. */
async function throughEngine(heddle: BenchEngine, tasks: number, rounds: number): Promise<number> {
  const settled = heddle.heard.settled(tasks);
  const startedAt = performance.now();
  await heddle.submit(Array.from({ length: tasks }, () => ({ type: 'compute', params: { rounds } })));
  await settled;
  return performance.now() - startedAt;
}
