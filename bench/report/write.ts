import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../src/main/package-root.ts';
import { toMarkdown } from '../support/table.ts';
import type { Comparison, Outcome } from '../workloads/workload.ts';
import { toBarChart } from './bar-chart.ts';
import { putSection } from './section.ts';
import { toTable } from './table.ts';

const docs = join(packageRoot, 'docs');
const page = join(docs, 'benchmarks.md');

/** Writes what was measured into the documentation: a table and a chart for each comparison, and the verdicts. */
export async function write(
  workload: string,
  { comparisons, rows }: Outcome,
  conditions: string,
): Promise<void> {
  let document = await readFile(page, 'utf8');
  for (const comparison of comparisons) {
    const chart = `benchmarks-${comparison.name}.svg`;
    await writeFile(join(docs, chart), toBarChart(comparison));
    document = putSection(document, comparison.name, toText(comparison, chart, conditions));
  }
  if (rows.length > 0) document = putSection(document, `${workload} targets`, toMarkdown(rows));
  await writeFile(page, document);
}

function toText(comparison: Comparison, chart: string, conditions: string): string {
  return [
    `#### ${comparison.title}`,
    `![${comparison.title}](${chart})`,
    toTable(comparison),
    `${comparison.note} ${conditions}`,
  ].join('\n\n');
}
