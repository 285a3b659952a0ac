import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordedAttempt, Sign, TaskEnd } from './evidence.ts';
import type { Injected } from './faults.ts';
import { beats, reruns, tally } from './report.ts';

test('a tally counts by name, the most frequent first', () => {
  const name = (text: string) => text;
  assert.equal(tally(['cut', 'kill', 'kill'], name), 'kill 2, cut 1');
  assert.equal(tally([], name), 'none');
});

test('a re-run is timed from the last fault that hit the attempt while it ran', () => {
  const mine = [fault('kill', 11, 1000), fault('cut', 11, 100), fault('kill', 11, 9000)];
  const faults = [fault('cut', 11, 700), ...mine, fault('kill', 12, 1200)].sort((a, b) => a.at - b.at);
  const attempts = [lost('a', 1, 11, 1500), { ...lost('b', 2, 11, 1600), outcome: 'failed' }];
  const signs = [begin('a', 1, 800), begin('b', 3, 1700), begin('a', 4, 1800), begin('a', 5, 2500)];
  assert.deepEqual(reruns({ attempts, signs, faults }), [{ kind: 'kill', ms: 800 }]);
});

test('a fault of the database hits every attempt, one that was over before hits none', () => {
  const faults = [fault('kill', 11, 400), { ...fault('stall', null, 450), until: 900 }];
  const signs = [begin('a', 1, 800), begin('a', 4, 1800)];
  assert.deepEqual(reruns({ attempts: [lost('a', 1, 11, 1500)], signs, faults }), [
    { kind: 'stall', ms: 1350 },
  ]);
  const over = faults.slice(0, 1);
  assert.deepEqual(reruns({ attempts: [lost('a', 1, 11, 1500)], signs, faults: over }), []);
});

test('a task that was lost and never ran again has no re-run', () => {
  const [faults, signs] = [[fault('kill', 11, 1000)], [begin('a', 1, 800)]];
  assert.deepEqual(reruns({ attempts: [lost('a', 1, 11, 1500)], signs, faults }), []);
});

test('beats are counted, with their drift and how late they began', () => {
  const beat = (slot: number, late: number): TaskEnd => ({
    ...{ id: String(slot), type: 'soak-beat', status: 'completed', claim_token: 1, finished_at: slot + 999 },
    ...{ slot, started_at: slot + late },
  });
  assert.equal(beats({ tasks: [] }), 'none');
  assert.equal(
    beats({
      tasks: [beat(4000, 30), beat(2000, 10), { ...beat(6000, 700), type: 'soak-quick' }, beat(6003, 20)],
    }),
    '3 over 4 s, drift 3 ms, late by 20 ms (median), at most 30 ms',
  );
});

function fault(kind: Injected['kind'], pid: number | null, at: number): Injected {
  return { kind, pid, at, until: at };
}

function lost(task_id: string, claim_token: number, pid: number, finished_at: number): RecordedAttempt {
  return { task_id, claim_token, outcome: 'lost', started_at: 500, finished_at, pid };
}

function begin(task_id: string, claim_token: number, at: number): Sign {
  return { task_id, claim_token, phase: 'begin', at };
}
