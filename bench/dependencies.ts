import { cancelByHand } from '../src/main/engine/by-hand.ts';
import { createTestDatabase } from '../test/support/database.ts';
import type { WaitedFor } from './dependencies-engine.ts';
import { ENGINE } from './drain.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { drainOnce } from './support/drain-once.ts';
import { BenchEngine } from './support/engine.ts';
import { median, medianRatio, spread } from './support/statistics.ts';

/** One task that waits for many, a long chain that is cancelled, and many tasks that wait for one. */
export async function dependencies({ quick, say }: BenchOptions): Promise<Row[]> {
  const tasks = quick ? 2000 : 10_000;
  const rounds = quick ? 1 : 5;
  return [
    ...(await fanIn(tasks, rounds, say)),
    await cancelled(`a chain of ${tasks.toLocaleString('en')}`, tasks, rounds, (at) => at, say),
    await cancelled(`${tasks.toLocaleString('en')} that wait for one`, tasks, rounds, () => 0, say),
  ];
}

/** Drains tasks, and one that waits for all of them. */
const WAITED_FOR = new URL('./dependencies-engine.js', import.meta.url);

async function fanIn(tasks: number, rounds: number, say: (line: string) => void): Promise<Row[]> {
  const without: number[] = [];
  const waitedFor: number[] = [];
  const submits: number[] = [];
  for (let round = 0; round < rounds; round++) {
    without.push((await drainOnce('alone', ENGINE, tasks, say)).ms);
    const { ms, submitMs } = await drainOnce<WaitedFor>('and one that waits for all', WAITED_FOR, tasks, say);
    waitedFor.push(ms);
    submits.push(submitMs);
  }
  const count = tasks.toLocaleString('en');
  const ratio = medianRatio(waitedFor, without);
  return [
    {
      what: `a task that waits for ${count}, ${rounds} rounds: submitting it, ms`,
      target: '≤ 2000',
      measured: spread(submits),
      met: median(submits) <= 2000,
    },
    {
      what: `draining ${count} and then it, ${rounds} rounds: ms`,
      target: '≤ 2 × without it',
      measured: `${ratio.toFixed(2)} ×: ${spread(waitedFor)} to ${spread(without)}`,
      met: ratio <= 2,
    },
  ];
}

/** @param dependency the place of the task that the next one waits for */
async function cancelled(
  what: string,
  tasks: number,
  rounds: number,
  dependency: (before: number) => number,
  say: (line: string) => void,
): Promise<Row> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    took.push(await cancelOnce(tasks, dependency));
    say(`${what}: cancelled in ${Math.round(took.at(-1) as number)} ms`);
  }
  return {
    what: `cancelling the first of ${what}, ${rounds} rounds: ms`,
    target: '≤ 5000',
    measured: spread(took),
    met: median(took) <= 5000,
  };
}

async function cancelOnce(tasks: number, dependency: (before: number) => number): Promise<number> {
  const database = await createTestDatabase();
  const heddle = await BenchEngine.prepare(database.url);
  try {
    const first = await heddle.submit([{ type: 'no-op' }]);
    const ids = first.map(({ task }) => task.id);
    while (ids.length < tasks)
      ids.push(...(await submitNext(heddle, ids, Math.min(1000, tasks - ids.length), dependency)));
    const startedAt = performance.now();
    await cancelByHand(heddle.pool, ids.slice(0, 1), 'bench');
    const ms = performance.now() - startedAt;
    const { rows } = await heddle.pool.query("select from tasks where status <> 'cancelled'");
    if (rows.length > 0) throw new Error(`${rows.length} tasks are not cancelled`);
    return ms;
  } finally {
    await heddle.stop();
    await database.drop();
  }
}

/** In one batch, whose tasks name those before them by their place. */
async function submitNext(
  heddle: BenchEngine,
  ids: readonly string[],
  count: number,
  dependency: (before: number) => number,
): Promise<string[]> {
  const submissions = Array.from({ length: count }, (_, at) => {
    const place = dependency(ids.length + at - 1);
    return { type: 'no-op', depends_on: [ids[place] ?? `#${place - ids.length}`] };
  });
  return (await heddle.submit(submissions)).map(({ task }) => task.id);
}
