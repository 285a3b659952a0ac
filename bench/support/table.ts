import type { Row } from './bench.ts';

/** Prints the rows as a Markdown table, which can go into the documentation as it is. */
export function printTable(rows: readonly Row[]): void {
  console.log(`\n${toMarkdown(rows)}`);
}

export function toMarkdown(rows: readonly Row[]): string {
  const cells = rows.map(({ what, target, measured, met }) => [
    what,
    target,
    measured,
    VERDICTS[String(met)] ?? '',
  ]);
  const table = [['what', 'target', 'measured', ''], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const line = (row: string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = table;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

const VERDICTS: Record<string, string> = { true: 'met', false: 'MISSED', null: '-' };
