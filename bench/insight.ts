import type { BenchOptions, Row } from './support/bench.ts';
import { compareDrains, comparedRow } from './support/compare-drains.ts';

/** What it costs that everything is told afterwards: the same drain with audit, attempts and metrics, and without them. */
export async function insight({ quick, say }: BenchOptions): Promise<Row[]> {
  const size = quick ? { tasks: 5000, rounds: 2 } : { tasks: 50_000, rounds: 7 };
  return [comparedRow(size.tasks, await compareDrains(TELLING, SILENT, size, say), WORDS)];
}

const TELLING = { name: 'telling', script: new URL('./drain-telling.js', import.meta.url) };
const SILENT = { name: 'silent', script: new URL('./drain-silent.js', import.meta.url) };
const WORDS = { what: 'with audit, attempts and metrics', target: 0.9, than: 'without them' };
