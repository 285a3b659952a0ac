import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { packageRoot } from '../../src/main/package-root.ts';
import type { Sample } from '../support/lint-metrics.ts';
import { type Dashboard, queriesOf, readAlerts, readDashboard } from '../support/monitoring-files.ts';
import { ObservedHeddle } from '../support/observed-heddle.ts';
import { readPromql, type Selector } from '../support/promql.ts';

describe('what the dashboard and the alerts ask for', () => {
  let samples: Sample[];
  before(async () => {
    const heddle = await ObservedHeddle.start();
    try {
      await heddle.finished(await heddle.submit('no-op'));
      samples = [...(await heddle.scrape('api')), ...(await heddle.scrape('runner'))];
    } finally {
      await heddle.stop();
    }
  });

  it('is PromQL, of metrics, labels and values that a real API and a real runner have', () => {
    const expressions = [
      ...readDashboard().panels.flatMap(queriesOf),
      ...readAlerts().map(({ expr }) => expr),
    ];
    for (const expression of expressions) {
      const { selectors, groupedBy } = readPromql(expression);
      assert.ok(selectors.length > 0, expression);
      for (const selector of selectors) assertExists(selector, expression);
      const labels = new Set(selectors.flatMap(({ metric }) => labelsOf(metric)));
      for (const label of groupedBy) assert.ok(labels.has(label), `${label} in ${expression}`);
    }
  });

  it('is noticed when it is something else', () => {
    for (const wrong of [
      'heddle_taks',
      'heddle_threads{status="busy"}',
      'heddle_threads{state="bussy"}',
      'heddle_settled_total{outcome=~"failed|timed-out"}',
    ]) {
      const [selector] = readPromql(wrong).selectors;
      assert.throws(() => assertExists(selector as Selector, wrong), wrong);
    }
    for (const wrong of [
      'sum by (type (heddle_tasks)',
      'rate(heddle_tasks[1m]',
      'nonsense(heddle_tasks)',
      '{',
    ])
      assert.throws(() => readPromql(wrong), wrong);
  });

  function assertExists({ metric, matchers }: Selector, expression: string): void {
    const labels = labelsOf(metric);
    assert.ok(labels.length > 0, `there is no ${metric}: ${expression}`);
    for (const { label, operator, value } of matchers) {
      assert.ok(labels.includes(label), `${metric} has no label ${label}: ${expression}`);
      const isPattern = operator.includes('~') && /[.*+?()[\]]/.test(value);
      for (const each of isPattern ? [] : value.split('|'))
        assert.ok(isThere(metric, label, each), `${metric} never has ${label}="${each}": ${expression}`);
    }
  }

  const isThere = (metric: string, label: string, value: string) =>
    samples.some(({ name, labels }) => name === metric && labels[label] === value);

  /** With those that Prometheus adds. None when there is no such metric. */
  function labelsOf(metric: string): string[] {
    const found = samples.filter(({ name }) => name === metric);
    return found.length === 0
      ? []
      : [...found.flatMap(({ labels }) => Object.keys(labels)), 'job', 'instance'];
  }
});

describe('the dashboard', () => {
  let dashboard: Dashboard;
  before(() => {
    dashboard = readDashboard();
  });

  it('is imported as it is: whoever loads it chooses its Prometheus', () => {
    const { panels, templating, uid, schemaVersion } = dashboard;
    assert.equal(uid, 'heddle');
    assert.equal(schemaVersion, 42);
    const [datasource, ...others] = templating.list;
    assert.deepEqual(
      [datasource?.name, datasource?.type, datasource?.query],
      ['datasource', 'datasource', 'prometheus'],
    );
    const asked = panels.filter(({ type }) => type !== 'row');
    const sources = [...others, ...asked, ...asked.flatMap(({ targets = [] }) => targets)].map(
      (each) => each.datasource?.uid,
    );
    assert.deepEqual(new Set(sources), new Set([`$\{datasource}`]));
    assert.doesNotMatch(JSON.stringify(dashboard), /__inputs|DS_/);
  });

  it('has panels that each ask for something, and have a place of their own', () => {
    const { panels } = dashboard;
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const taken = new Set<string>();
    for (const { type, title, gridPos, targets = [] } of panels) {
      assert.ok(title !== '' && (type === 'row') === (targets.length === 0), title);
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
      assert.ok(gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!taken.has(`${x} ${y}`), title);
          taken.add(`${x} ${y}`);
        }
    }
  });

  it('uses only variables that there are', () => {
    const names = new Set(dashboard.templating.list.map(({ name }) => name));
    const text = JSON.stringify(dashboard.panels);
    for (const [, name = ''] of text.matchAll(/\$\{?(\w+)/g))
      assert.ok(names.has(name) || name === '__rate_interval', name);
  });
});

describe('an alert', () => {
  it('says what is wrong, how urgent it is, and where to read on', () => {
    for (const { alert, labels, annotations } of readAlerts()) {
      assert.match(alert, /^Heddle[A-Z]/);
      assert.match(labels.severity, /^(critical|warning)$/);
      for (const text of [annotations.summary, annotations.description]) assert.match(text, /\.$/, alert);
      const [file = '', anchor] = annotations.runbook.split('#');
      assert.ok(existsSync(packageRoot + file), annotations.runbook);
      assert.ok(anchorsOf(packageRoot + file).includes(anchor ?? ''), annotations.runbook);
    }
  });

  /** As GitHub makes them of headings. */
  function anchorsOf(file: string): string[] {
    return [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
  }
});
