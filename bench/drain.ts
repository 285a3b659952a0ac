import type { BenchOptions, Row } from './support/bench.ts';
import { drainOnce, perSecond, type Served } from './support/drain-once.ts';
import type { Drained } from './support/measure-drain.ts';
import { PEER, peersAreInstalled } from './support/peer.ts';
import { median, medianRatio, spread } from './support/statistics.ts';

/** No-op tasks through threads, compared with graphile-worker's best configuration, which runs them in its process. */
export async function drain({ quick, say }: BenchOptions): Promise<Row[]> {
  const peer = peersAreInstalled(say);
  const sizes = quick
    ? [{ tasks: 5000, rounds: 2 }]
    : [
        { tasks: 20_000, rounds: 5 },
        { tasks: 100_000, rounds: 3 },
      ];
  const rows: Row[] = [];
  for (const { tasks, rounds } of sizes) {
    const heddle: Round[] = [];
    const graphile: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      heddle.push(await drainOnce('heddle', ENGINE, tasks, say));
      if (peer) graphile.push(await drainOnce('graphile-worker', PEER, tasks, say));
    }
    rows.push(toRow(tasks, rounds, heddle, graphile));
  }
  return rows;
}

/** Drains with an engine alone. */
export const ENGINE = new URL('./drain-engine.js', import.meta.url);
const TARGET = 1.3;

type Round = Drained & Served;

function toRow(tasks: number, rounds: number, ours: readonly Round[], theirs: readonly Round[]): Row {
  const rates = (drained: readonly Round[]) => drained.map(({ ms }) => perSecond(tasks, ms));
  const [heddle, graphile] = [rates(ours), rates(theirs)];
  const what = `${tasks.toLocaleString('en')} no-op tasks, ${rounds} rounds: tasks/s`;
  const target = `≥ ${TARGET} × graphile-worker`;
  if (graphile.length === 0)
    return {
      what,
      target,
      measured: `${spread(heddle)}; not measured: graphile-worker is not installed`,
      met: null,
    };
  const ratio = medianRatio(heddle, graphile);
  return {
    what,
    target,
    measured: `${ratio.toFixed(2)} ×: ${spread(heddle)} to ${spread(graphile)}; CPU each ${cpuOf(tasks, ours)} to ${cpuOf(tasks, theirs)}`,
    met: ratio >= TARGET,
  };
}

/** Of a task, in Node and in PostgreSQL. */
function cpuOf(tasks: number, drained: readonly Round[]): string {
  const microseconds = (of: (round: Round) => number) =>
    (median(drained.map((round) => of(round) / tasks)) * 1000).toFixed(0);
  return `${microseconds(({ cpuMs }) => cpuMs)} + ${microseconds(({ serverMs }) => serverMs)} µs`;
}
