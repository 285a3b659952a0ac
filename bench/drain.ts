import type { BenchOptions, Row } from './support/bench.ts';
import { drainOnce, perSecond } from './support/drain-once.ts';
import { PEER, peersAreInstalled } from './support/peer.ts';
import { medianRatio, spread } from './support/statistics.ts';

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
    const heddle: number[] = [];
    const graphile: number[] = [];
    for (let round = 0; round < rounds; round++) {
      heddle.push(await rateOnce('heddle', ENGINE, tasks, say));
      if (peer) graphile.push(await rateOnce('graphile-worker', PEER, tasks, say));
    }
    rows.push(toRow(tasks, rounds, heddle, graphile));
  }
  return rows;
}

/** Drains with an engine alone. */
export const ENGINE = new URL('./drain-engine.js', import.meta.url);
const TARGET = 0.45;

async function rateOnce(
  name: string,
  script: URL,
  tasks: number,
  say: (line: string) => void,
): Promise<number> {
  const { ms } = await drainOnce(name, script, tasks, say);
  return perSecond(tasks, ms);
}

function toRow(tasks: number, rounds: number, heddle: number[], graphile: number[]): Row {
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
    measured: `${ratio.toFixed(2)} ×: ${spread(heddle)} to ${spread(graphile)}`,
    met: ratio >= TARGET,
  };
}
