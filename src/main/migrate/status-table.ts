import type { MigrationState, StatusItem } from './compare.ts';

/** A table for a person, what there is to know below its line, and a line that sums it up. */
export function statusAsTable(items: readonly StatusItem[]): string {
  const cells = items.map((item) => [
    item.state,
    item.id,
    second(item.applied_at),
    duration(item.duration_ms),
    item.applied_by,
  ]);
  const table = [HEAD, ...cells];
  const widths = HEAD.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const [head = '', ...lines] = table.map((row) => inColumns(row, widths));
  const body = lines.flatMap((line, at) => [line, ...noteLines(items[at]?.note ?? '', widths[0] ?? 0)]);
  return [head, ...body, '', summary(items)].join('\n');
}

const HEAD = ['STATE', 'ID', 'APPLIED AT (UTC)', 'TOOK', 'BY'];

function inColumns(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join('  ')
    .trimEnd();
}

function noteLines(note: string, indent: number): string[] {
  return note === '' ? [] : [`${' '.repeat(indent)}  - ${note.replace(/\s*\n\s*/g, ' ')}`];
}

function second(time: Date | null): string {
  return time === null ? '' : time.toISOString().slice(0, 19).replace('T', ' ');
}

function duration(ms: number | null): string {
  if (ms === null) return '';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

/** What has to be seen to comes first. */
const ORDER: readonly MigrationState[] = ['failed', 'running', 'modified', 'missing', 'pending', 'applied'];

function summary(items: readonly StatusItem[]): string {
  const parts = ORDER.map((state) => ({
    state,
    count: items.filter((item) => item.state === state).length,
  })).filter(({ count }) => count > 0);
  if (parts.length === 0) return 'there are no migrations';
  return parts.map(({ state, count }) => `${count} ${state}`).join(', ');
}
