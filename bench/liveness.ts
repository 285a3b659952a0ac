import { ENGINE } from './drain.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { drainOnce, perSecond } from './support/drain-once.ts';
import type { OursDrained } from './support/measure-drain.ts';
import { median, medianRatio, spread } from './support/statistics.ts';

/** What it costs to keep a runner alive and to watch over the others: the same drain with and without all that. */
export async function liveness({ quick, say }: BenchOptions): Promise<Row[]> {
  const sizes = quick
    ? [{ tasks: 5000, rounds: 2 }]
    : [
        { tasks: 20_000, rounds: 7 },
        { tasks: 100_000, rounds: 3 },
      ];
  const rows: Row[] = [];
  for (const { tasks, rounds } of sizes) rows.push(toRow(tasks, await measure(tasks, rounds, say)));
  return rows;
}

const TENURE = new URL('./drain-tenure.js', import.meta.url);
const TARGET = 0.95;

interface Measured {
  alone: OursDrained[];
  whole: OursDrained[];
}

async function measure(tasks: number, rounds: number, say: (line: string) => void): Promise<Measured> {
  const measured: Measured = { alone: [], whole: [] };
  const alone = async () => measured.alone.push(await drainOnce('engine alone', ENGINE, tasks, say));
  const whole = async () => measured.whole.push(await drainOnce('whole runner', TENURE, tasks, say));
  for (let round = 0; round < rounds; round++) {
    // Now one first, now the other: whoever comes second finds the machine warm.
    for (const drain of round % 2 === 0 ? [alone, whole] : [whole, alone]) await drain();
  }
  const startMs = (drained: OursDrained[]) => Math.round(median(drained.map((one) => one.startMs)));
  say(
    `first claim after ${startMs(measured.alone)} ms alone, ${startMs(measured.whole)} ms as a whole runner`,
  );
  return measured;
}

function toRow(tasks: number, { alone, whole }: Measured): Row {
  const ratesOf = (drained: OursDrained[]) =>
    drained.map(({ ms, startMs }) => perSecond(tasks, ms - startMs));
  const [ours, theirs] = [ratesOf(whole), ratesOf(alone)];
  const ratio = medianRatio(ours, theirs);
  const cpuOf = (drained: OursDrained[]) =>
    (median(drained.map(({ cpuMs }) => cpuMs / tasks)) * 1000).toFixed(0);
  return {
    what: `${tasks.toLocaleString('en')} no-op tasks with lease and rescue, ${alone.length} rounds: tasks/s`,
    target: `≥ ${TARGET} × the engine alone`,
    measured: `${ratio.toFixed(2)} ×: ${spread(ours)} to ${spread(theirs)}; ${cpuOf(whole)} to ${cpuOf(alone)} µs CPU each`,
    met: ratio >= TARGET,
  };
}
