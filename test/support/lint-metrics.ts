import assert from 'node:assert/strict';

/** A line of Prometheus' text format, read. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/**
 * Reads Prometheus' text format, as strictly as promtool checks it.
 * @throws AssertionError when it is not that, or a label holds what looks like an id
 */
export function lintMetrics(text: string): Sample[] {
  assert.ok(text.endsWith('\n'), 'it ends with a line end');
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const seen = new Set<string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      assert.ok(!helps.has(name), `${name} has one HELP`);
      helps.add(name);
    } else if (kind === 'TYPE') {
      assert.match(rest, /^(counter|gauge|histogram)$/);
      assert.ok(helps.has(name) && !types.has(name), `${name} has HELP before its one TYPE`);
      types.set(name, rest);
    } else {
      const sample = read(line);
      const type = types.get(familyOf(sample.name, types));
      assert.ok(type !== undefined, `${sample.name} has a TYPE`);
      if (type === 'counter') assert.match(sample.name, /_total$/);
      assert.ok(!seen.has(line.replace(/ \S+$/, '')), `${line} is told once`);
      seen.add(line.replace(/ \S+$/, ''));
      samples.push(sample);
    }
  }
  lintHistograms(samples, types);
  return samples;
}

function read(line: string): Sample {
  const [, name, labels = '', value] =
    /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (-?[\d.]+(?:e[+-]?\d+)?|[+-]Inf|NaN|Nan)$/.exec(line) ?? [];
  assert.ok(name !== undefined && value !== undefined, `${line} is a sample`);
  const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/g)];
  assert.equal(pairs.map(([whole]) => whole).join(''), labels, line);
  for (const [, , text = ''] of pairs) assert.doesNotMatch(text, /[0-9a-f]{8}-?[0-9a-f]{4}/, line);
  return {
    name,
    labels: Object.fromEntries(pairs.map(([, key, text]) => [key as string, text as string])),
    value: Number(value),
  };
}

function familyOf(name: string, types: ReadonlyMap<string, string>): string {
  const family = name.replace(/_(bucket|sum|count)$/, '');
  return types.get(family) === 'histogram' ? family : name;
}

/** Buckets only grow, and the last one holds all. */
function lintHistograms(samples: readonly Sample[], types: ReadonlyMap<string, string>): void {
  const buckets = new Map<string, Sample[]>();
  for (const sample of samples.filter(({ name }) => name.endsWith('_bucket'))) {
    const { le: _, ...others } = sample.labels;
    const key = sample.name.replace(/_bucket$/, '') + JSON.stringify(others);
    buckets.set(key, [...(buckets.get(key) ?? []), sample]);
  }
  for (const [key, series] of buckets) {
    const bounds = series.map(({ labels }) => Number(labels.le?.replace('+Inf', 'Infinity')));
    const values = series.map(({ value }) => value);
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
      key,
    );
    assert.deepEqual(
      values,
      values.toSorted((a, b) => a - b),
      key,
    );
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY, key);
    assert.equal(types.get(key.replace(/\{.*/, '')), 'histogram', key);
  }
}

/** The value of a sample whose labels hold these, or undefined. */
export function sampleOf(
  samples: readonly Sample[],
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  return samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
  )?.value;
}
