import { median } from '../support/statistics.ts';
import type { Comparison, Entry } from '../workloads/workload.ts';

/**
 * A comparison as bars, in SVG: the medians, with a line from the lowest round to the highest. It has the reader's
 * colours, light or dark, and needs nothing but itself.
 */
export function toBarChart({ title, unit, better, digits = 0, entries }: Comparison): string {
  const shown = entries.filter(({ values }) => values.length > 0);
  const scale = ticksUpTo(Math.max(...shown.flatMap(({ values }) => values), 0));
  const height = TOP + shown.length * ROW + BOTTOM;
  const x = (value: number) => round(LEFT + (value / (scale.at(-1) || 1)) * (WIDTH - LEFT - RIGHT));
  const show = (value: number) => value.toLocaleString('en', { maximumFractionDigits: digits });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}"/>`,
    `<text class="title" x="12" y="24">${escaped(title)}</text>`,
    ...scale.map((value) => tick(x(value), height - BOTTOM, value.toLocaleString('en'))),
    ...shown.map((entry, row) => bar(entry, TOP + row * ROW, x, show)),
    `<text class="axis" x="${x((scale.at(-1) ?? 0) / 2)}" y="${height - 8}" text-anchor="middle">${escaped(`${unit}, ${better} is better`)}</text>`,
    '</svg>\n',
  ].join('\n');
}

const WIDTH = 860;
/** Room for the names on the left, and for the figures on the right. */
const LEFT = 320;
const RIGHT = 90;
const TOP = 44;
const ROW = 26;
const BOTTOM = 46;

/** GitHub shows images on a page of the reader's choice, light or dark: these colours are for both. */
const STYLE = [
  'text { font: 13px system-ui, sans-serif; fill: #24292f }',
  '.title { font-size: 15px; font-weight: 600 }',
  '.axis { font-size: 12px; fill: #57606a }',
  '.paper { fill: #ffffff }',
  '.grid { stroke: #d0d7de }',
  '.bar { fill: #8c959f }',
  '.ours { fill: #0969da }',
  '.name-ours { font-weight: 600 }',
  '.range { stroke: #24292f; stroke-width: 1.5 }',
  '@media (prefers-color-scheme: dark) {',
  'text { fill: #e6edf3 } .axis { fill: #9198a1 } .paper { fill: #0d1117 } .grid { stroke: #30363d }',
  '.bar { fill: #656c76 } .ours { fill: #4493f8 } .range { stroke: #e6edf3 } }',
].join(' ');

function tick(x: number, bottom: number, label: string): string {
  return [
    `<line class="grid" x1="${x}" y1="${TOP - 8}" x2="${x}" y2="${bottom}"/>`,
    `<text class="axis" x="${x}" y="${bottom + 18}" text-anchor="middle">${label}</text>`,
  ].join('');
}

function bar(
  { label, isOurs, values }: Entry,
  y: number,
  x: (value: number) => number,
  show: (value: number) => string,
): string {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)];
  const centre = y + ROW / 2;
  return [
    `<text class="${isOurs ? 'name-ours' : 'name'}" x="${LEFT - 8}" y="${centre + 4}" text-anchor="end">${escaped(label)}</text>`,
    `<rect class="bar${isOurs ? ' ours' : ''}" x="${x(0)}" y="${y + 4}" width="${round(x(middle) - x(0))}" height="${ROW - 8}" rx="2"/>`,
    least === most
      ? ''
      : `<line class="range" x1="${x(least)}" y1="${centre}" x2="${x(most)}" y2="${centre}"/>`,
    `<text x="${round(x(most) + 6)}" y="${centre + 4}">${show(middle)}</text>`,
  ].join('');
}

/** Round numbers from 0 to the first that is not less, four to eight steps apart. */
export function ticksUpTo(most: number): number[] {
  if (most <= 0) return [0];
  const magnitude = 10 ** Math.floor(Math.log10(most / 4));
  const step = [1, 2, 5, 10].map((times) => times * magnitude).find((each) => most / each <= 8) ?? most;
  const steps = Math.ceil(most / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll('`', '');
}
