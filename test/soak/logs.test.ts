import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readLines, readLogs } from './logs.ts';

test('events are counted, over all lines', () => {
  const [events, stale] = [{}, []];
  const log =
    '{"level":40,"event":"listening"}\n{"level":20,"event":"listening"}\n{"level":30,"msg":"hi"}\n{"level":40,"event":"stale_settle","task_id":"a","claim_token":"7"}\n';
  assert.deepEqual(readLines(log, [events, stale]), []);
  assert.deepEqual(events, { listening: 2, stale_settle: 1 });
  assert.deepEqual(stale, [{ task_id: 'a', claim_token: 7 }]);
});

test('fatal lines, what nobody caught, and what is no log line at all are alarming', () => {
  const lines = ['{"level":60,"msg":"dead"}', '{"level":50,"msg":"uncaught: x"}', 'Segmentation fault'];
  assert.deepEqual(readLines(`${lines.join('\n')}\n`, [{}, []]), [
    'dead',
    'uncaught: x',
    'Segmentation fault',
  ]);
});

test('the line in which a process was killed is not', () => {
  assert.deepEqual(readLines('{"level":30,"msg":"hi"}\n{"level":3', [{}, []]), []);
});

test('anything on standard error is alarming, and each alarm is told once a file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-test-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'one.out'), '{"level":60,"msg":"dead"}\n{"level":60,"msg":"dead"}\n');
  await writeFile(join(folder, 'one.err'), '');
  await writeFile(join(folder, 'two.err'), 'Error: x\n  at y\n');
  assert.deepEqual((await readLogs(folder)).alarms, [
    { file: 'one.out', text: 'dead', count: 2 },
    { file: 'two.err', text: 'Error: x\n  at y', count: 1 },
  ]);
});
