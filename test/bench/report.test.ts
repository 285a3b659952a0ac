import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ticksUpTo, toBarChart } from '../../bench/report/bar-chart.ts';
import { LAST, putSection } from '../../bench/report/section.ts';
import { toTable } from '../../bench/report/table.ts';
import type { Comparison } from '../../bench/workloads/workload.ts';

const COMPARISON: Comparison = {
  name: 'drain',
  title: 'Draining <all> & "everything"',
  unit: 'tasks/s',
  better: 'higher',
  note: '',
  entries: [
    { label: 'Heddle', isOurs: true, values: [200, 220, 240], more: { 'CPU, µs': '20' } },
    { label: 'A | B', isOurs: false, values: [100, 110, 120], more: { 'CPU, µs': '40' } },
    { label: 'C', isOurs: false, values: [], note: 'not measured: redis-server is not installed' },
  ],
};

test('a comparison is a Markdown table of medians, spreads and ratios to ours', () => {
  assert.equal(
    toTable(COMPARISON),
    [
      '|  | tasks/s | to Heddle | CPU, µs |  |',
      '| --- | ---: | ---: | ---: | ---: |',
      '| **Heddle** | 220 (200-240) | 1.00 × | 20 |  |',
      '| A \\| B | 110 (100-120) | 0.50 × | 40 |  |',
      '| C | - | - | - | not measured: redis-server is not installed |',
    ].join('\n'),
  );
});

test('a chart has a bar for each that was measured, as long as its median, and ours is marked', () => {
  const chart = toBarChart(COMPARISON);
  const widths = [...chart.matchAll(/<rect class="bar( ours)?" [^>]*? width="([\d.]+)"/g)];
  assert.deepEqual(
    widths.map(([, ours]) => ours !== undefined),
    [true, false],
  );
  const [first, second] = widths.map(([, , width]) => Number(width)) as [number, number];
  assert.ok(Math.abs(first - 2 * second) < 0.5, `${first} is twice ${second}`);
  assert.match(chart, /tasks\/s, higher is better/);
  assert.match(chart, /prefers-color-scheme: dark/);
  assert.match(chart, /Draining &lt;all> &amp; &quot;everything&quot;/);
  assert.doesNotMatch(chart, /NaN|undefined/);
});

test('a chart of nothing is a chart all the same', () => {
  assert.doesNotMatch(toBarChart({ ...COMPARISON, entries: [] }), /NaN|undefined|Infinity/);
});

test('an axis begins at 0, ends where everything fits in, and has a few equal steps', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 1e9, noNaN: true }), (most) => {
      const ticks = ticksUpTo(most);
      const [first, second = 0] = ticks;
      assert.equal(first, 0);
      assert.ok((ticks.at(-1) ?? 0) >= most * (1 - 1e-9));
      assert.ok((ticks.at(-2) ?? 0) < most);
      assert.ok(ticks.length >= 4 && ticks.length <= 10, String(ticks));
      for (const [at, tick] of ticks.entries()) assert.ok(Math.abs(tick - at * second) <= 1e-9 * most);
    }),
  );
});

test('a section is put where it was, and a new one comes last', () => {
  const empty = `before\n\n${LAST}\n\nafter\n`;
  const one = putSection(empty, 'drain', 'fast');
  const two = putSection(one, 'cpu', "costs $' little");
  const again = putSection(two, 'drain', 'faster');
  assert.equal(
    again,
    [
      'before',
      '<!-- measured: drain -->',
      'faster',
      '<!-- measured: end of drain -->',
      '<!-- measured: cpu -->',
      "costs $' little",
      '<!-- measured: end of cpu -->',
      LAST,
      'after\n',
    ].join('\n\n'),
  );
  assert.throws(() => putSection('nothing of that kind', 'drain', 'fast'), /the document has neither/);
});
