import { median, medianRatio, spread } from '../support/statistics.ts';
import type { Comparison, Entry } from '../workloads/workload.ts';

/** A comparison as a Markdown table: what was measured, with its spread, and what it is to ours. */
export function toTable(comparison: Comparison): string {
  const columns = columnsOf(comparison);
  const rows = [
    columns.map(({ head }) => head),
    columns.map((_, at) => (at === 0 ? '---' : '---:')),
    ...comparison.entries.map((entry) => columns.map(({ cell }) => cell(entry))),
  ];
  return rows.map((row) => `| ${row.map(escaped).join(' | ')} |`).join('\n');
}

interface Column {
  head: string;
  cell(entry: Entry): string;
}

function columnsOf({ unit, digits = 0, hasRatios = true, entries }: Comparison): Column[] {
  const ours = entries.find(({ isOurs, values }) => isOurs && values.length > 0);
  const heads = [...new Set(entries.flatMap(({ more = {} }) => Object.keys(more)))];
  const hasNotes = entries.some(({ note }) => note !== undefined);
  return [
    { head: '', cell: ({ label, isOurs }) => (isOurs ? `**${label}**` : label) },
    { head: unit, cell: ({ values }) => (values.length > 0 ? spread(values, digits) : '-') },
    ...(hasRatios && ours !== undefined
      ? [{ head: `to ${ours.label}`, cell: (entry: Entry) => ratio(entry, ours) }]
      : []),
    ...heads.map((head) => ({ head, cell: ({ more }: Entry) => more?.[head] ?? '-' })),
    ...(hasNotes ? [{ head: '', cell: ({ note }: Entry) => note ?? '' }] : []),
  ];
}

function ratio({ values }: Entry, ours: Entry): string {
  if (values.length === 0) return '-';
  const sameRounds = values.length === ours.values.length;
  const times = sameRounds ? medianRatio(values, ours.values) : median(values) / median(ours.values);
  return `${times.toFixed(2)} ×`;
}

/** What would end the cell, or the line. */
function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
