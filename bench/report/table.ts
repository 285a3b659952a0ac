import { median, medianRatio, spread } from '../support/statistics.ts';
import type { Comparison, Entry } from '../workloads/workload.ts';

/** A comparison as a Markdown table: what was measured, with its spread, and what it is to ours. */
export function toTable({ unit, digits = 0, entries }: Comparison): string {
  const ours = entries.find(({ isOurs, values }) => isOurs && values.length > 0);
  const heads = [...new Set(entries.flatMap(({ more = {} }) => Object.keys(more)))];
  const hasNotes = entries.some(({ note }) => note !== undefined);
  const toRow = (entry: Entry) => [
    entry.isOurs ? `**${entry.label}**` : entry.label,
    entry.values.length > 0 ? spread(entry.values, digits) : '-',
    ratioTo(ours, entry),
    ...heads.map((head) => entry.more?.[head] ?? '-'),
    ...(hasNotes ? [entry.note ?? ''] : []),
  ];
  const head = [
    '',
    unit,
    ours === undefined ? 'ratio' : `to ${ours.label}`,
    ...heads,
    ...(hasNotes ? [''] : []),
  ];
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...entries.map(toRow)].map((row) => `| ${row.map(escaped).join(' | ')} |`).join('\n');
}

function ratioTo(ours: Entry | undefined, { values }: Entry): string {
  if (ours === undefined || values.length === 0) return '-';
  const sameRounds = values.length === ours.values.length;
  const ratio = sameRounds ? medianRatio(values, ours.values) : median(values) / median(ours.values);
  return `${ratio.toFixed(2)} ×`;
}

/** What would end the cell, or the line. */
function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
