import { ENGINE } from './drain.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { compareDrains, comparedRow } from './support/compare-drains.ts';

/** What it costs to keep a runner alive and to watch over the others: the same drain with and without all that. */
export async function liveness({ quick, say }: BenchOptions): Promise<Row[]> {
  const sizes = quick
    ? [{ tasks: 5000, rounds: 2 }]
    : [
        { tasks: 20_000, rounds: 7 },
        { tasks: 100_000, rounds: 3 },
      ];
  const rows: Row[] = [];
  for (const size of sizes) {
    const compared = await compareDrains(WHOLE, ALONE, size, say);
    rows.push(comparedRow(size.tasks, compared, WORDS));
  }
  return rows;
}

const WHOLE = { name: 'whole runner', script: new URL('./drain-tenure.js', import.meta.url) };
const ALONE = { name: 'engine alone', script: ENGINE };
const WORDS = { what: 'with lease and rescue', target: 0.95, than: 'the engine alone' };
