import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type pg from 'pg';
import type { TaskRow } from '../../../src/main/engine/task.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';

/* What is submitted from SQL becomes the same task, or is refused in the same words, as what is submitted over HTTP. */

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api?.stop());

/** The task that came of it, or what was said against it. */
type Came = Record<string, unknown> | string[];

/** Both get the very same JSON texts: JSON.stringify would respell their numbers. */
async function compare(type: string, params: string, options = '{}'): Promise<{ http: Came; sql: Came }> {
  return { http: await overHttp(type, params, options), sql: await fromSql(type, params, options) };
}

async function overHttp(type: string, params: string, options: string): Promise<Came> {
  const rest = options === '{}' ? '' : `,${options.slice(1, -1)}`;
  const { status, json } = await api.send('/api/v1/tasks', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"type":"${type}","params":${params}${rest}}`,
  });
  if (status === 201) return take(json.id);
  assert.equal(status, 422);
  const errors: { pointer: string; detail: string }[] = json.errors;
  // zod goes on after a value of the wrong type, and may say a second thing of it.
  const first = new Map(errors.toReversed().map(({ pointer, detail }) => [pointer.slice(1), detail]));
  return [...first].map(([name, detail]) => `options.${name} ${detail}`).sort();
}

async function fromSql(type: string, params: string, options: string): Promise<Came> {
  try {
    const { rows } = await api.database.query('select heddle_submit($1, $2, $3) as id', [
      type,
      params,
      options,
    ]);
    return await take(rows[0].id);
  } catch (error) {
    assert.equal((error as pg.DatabaseError).code, '22023');
    return (error as Error).message.split('; ').sort();
  }
}

/** Reads what callers asked for of a task, and removes it, so that an equal one is not the same. */
async function take(id: string): Promise<Came> {
  const { rows } = await api.database.query<TaskRow>('delete from tasks where id = $1 returning *', [id]);
  const { id: _, created_at, updated_at, run_at, submitted_by, ...task } = rows[0] as TaskRow;
  return { ...task, due_in_ms: Number(run_at) - Number(created_at) };
}

const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((one) => !one.includes('\0'));
const anyJson = fc
  .jsonValue({ stringUnit: 'grapheme', maxDepth: 3 })
  .filter((value) => !JSON.stringify(value).includes('\\u0000'));
const number = fc.oneof(
  fc.integer({ min: -150, max: 150 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** What each option takes, and about as often something else. */
const option = <T>(good: fc.Arbitrary<T>) => fc.oneof({ weight: 3, arbitrary: good }, number, anyJson);
const anyOptions = fc.record(
  {
    description: option(text),
    domain: option(text),
    drift_score: option(number),
    run_immediately: option(fc.boolean()),
    priority: option(fc.integer({ min: -101, max: 101 })),
    delay_seconds: option(fc.nat(100_000)),
    max_retries: option(fc.integer({ min: -1, max: 1_000_001 })),
    timeout_seconds: option(fc.integer({ min: -1, max: 302 })),
    unique_key: option(fc.oneof(text, fc.constant('k'.repeat(256)))),
    depends_on: option(fc.constant([])),
    on_dependency_failure: option(fc.constantFrom('cancel', 'run')),
    unknown: anyJson,
  },
  { requiredKeys: [] },
);

describe('a submission from SQL, compared with the same one over HTTP', () => {
  it('has the same key, for any object', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(text, anyJson), async (params) => {
        const { http, sql } = await compare('once', JSON.stringify(params));
        assert.deepEqual(sql, http);
        assert.match(keyOf(sql), /^sha256:[0-9a-f]{64}$/);
      }),
    );
  });

  it('has the same key, however its numbers are spelled', async () => {
    for (const spelled of [
      '1.0',
      '1e2',
      '10.50',
      '0.00',
      '-0',
      '-0.0',
      '100',
      '1.05e1',
      '5e-324',
      '2e3',
      '0.10e-3',
    ]) {
      const params = `{"n": ${spelled}, "list": [${spelled},${spelled}], "${spelled}": "\\" ${spelled}, \\\\"}`;
      const { http, sql } = await compare('once', params);
      assert.equal(keyOf(sql), keyOf(http), spelled);
    }
  });

  it('becomes the same task, or is refused in the same words, with any options', async () => {
    await fc.assert(
      fc.asyncProperty(anyOptions, async (options) => {
        const { http, sql } = await compare('anything', '{}', JSON.stringify(options));
        assert.deepEqual(sql, http);
      }),
      { numRuns: 150 },
    );
  });

  it('takes and refuses the same times', async () => {
    for (const run_at of TIMES) {
      const { http, sql } = await compare('anything', '{}', JSON.stringify({ run_at }));
      assert.deepEqual(untilDue(sql), untilDue(http), run_at);
    }
  });

  it('is refused for options that do not go together', async () => {
    for (const options of [
      { run_at: '2030-01-01T00:00:00Z', delay_seconds: 1 },
      { timeout_seconds: 300.5 },
    ]) {
      const { http, sql } = await compare('anything', '{}', JSON.stringify(options));
      assert.ok(Array.isArray(http));
      assert.deepEqual(sql, http);
    }
  });

  it('is refused for params that no parser could bear', async () => {
    const deep = (levels: number) => `${`{"a":`.repeat(levels)}1${'}'.repeat(levels)}`;
    const huge = `{"long":"${'x'.repeat(300)}","a":[1e308,-1e309]}`;
    const deepest = await compare('anything', deep(127));
    assert.deepEqual(deepest.sql, deepest.http);
    assert.ok(Array.isArray(await overHttp('anything', deep(128), '{}')));
    assert.ok(Array.isArray(await overHttp('anything', huge, '{}')));
    assert.deepEqual(await fromSql('anything', deep(128), '{}'), ['params is nested deeper than 128 levels']);
    assert.deepEqual(await fromSql('anything', huge, '{}'), [
      'params holds a number that is beyond the range of numbers',
    ]);
  });
});

const TIMES = [
  '2999-01-01T00:00:00Z',
  '2999-01-01T00:00:00.123+14:00',
  '1999-01-01T00:00:00-02:30',
  '2026-02-30T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01 00:00:00Z',
  '2026-01-01T00:00Z',
  '2026-01-01T00:00:00Z\n',
  '0001-01-01T00:00:00+01:00',
  '9999-12-31T23:59:59-01:00',
  '300000-01-01T00:00:00Z',
  '+300000-01-01T00:00:00Z',
  'tomorrow',
  'infinity',
  '',
];

/** To ten minutes: they are submitted one after the other. */
function untilDue(came: Came): unknown {
  return Array.isArray(came) ? came : Math.round(Number(came.due_in_ms) / 600_000);
}

function keyOf(came: Came): string {
  return Array.isArray(came) ? '' : String(came.unique_key);
}
