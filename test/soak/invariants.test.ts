import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordedAttempt, Sign, TaskEnd } from './evidence.ts';
import { type Evidence, findViolations } from './invariants.ts';
import { BEAT, EXPECTED } from './load.ts';

/* A check that cannot fail is worthless: each is shown rows that break its rule, and no other one. */

test('a soak in which all went well has no violations', () => {
  assert.deepEqual(findViolations(goodSoak()), []);
});

test('an accepted task that is not there is lost', () => {
  const soak = goodSoak();
  soak.accepted = ['gone'];
  assertBroken(soak, 'lost', 'gone');
});

test('a task that is left over, or ends as it should not, is found', () => {
  for (const status of ['queued', 'running', 'failed', 'cancelled']) {
    const soak = goodSoak();
    add(soak, { ...task('left', 'soak-quick'), status });
    assertBroken(soak, 'wrong end', 'left');
  }
});

test('a task that is to fail and completes is found', () => {
  const soak = goodSoak();
  add(soak, task('odd', 'soak-refuse'));
  assertBroken(soak, 'wrong end', 'odd');
});

test('of a type that is not the harness’s own, any end will do, but an end it must be', () => {
  const soak = goodSoak();
  add(soak, { ...task('foreign', 'example'), status: 'cancelled' });
  assert.deepEqual(findViolations(soak), []);
  add(soak, { ...task('foreign left', 'example'), status: 'queued' });
  assertBroken(soak, 'wrong end', 'foreign left');
});

test('a task that ends twice is found, and one that has and went on', () => {
  const twice = goodSoak();
  twice.finishes.push({ task_id: 'soak-quick', status: 'failed' });
  assertBroken(twice, 'not ended once', 'soak-quick');
  const unnoted = goodSoak();
  unnoted.finishes = unnoted.finishes.filter(({ task_id }) => task_id !== 'soak-quick');
  assertBroken(unnoted, 'not ended once', 'soak-quick');
});

test('a sign of life of an attempt after a later one has begun is found', () => {
  for (const phase of ['alive', 'end'] as const) {
    const soak = rerun();
    soak.signs.push({ ...sign('soak-quick', 1, 2010), phase });
    assertBroken(soak, 'overlap seen', 'soak-quick');
  }
});

test('a process that wakes from a pause may give a sign before it knows that its lease is over', () => {
  const soak = rerun();
  soak.signs.push({ ...sign('soak-quick', 1, 2010), phase: 'end' });
  soak.faults = [{ kind: 'long pause', pid: 11, at: 500, until: 2005 }];
  assert.deepEqual(findViolations(soak), []);
  soak.faults = [{ kind: 'long pause', pid: 12, at: 500, until: 2005 }];
  assertBroken(soak, 'overlap seen', 'soak-quick');
  soak.faults = [{ kind: 'long pause', pid: 11, at: 500, until: 1200 }];
  assertBroken(soak, 'overlap seen', 'soak-quick');
  soak.faults = [{ kind: 'long freeze', pid: 11, at: 500, until: 2005 }];
  assertBroken(soak, 'overlap seen', 'soak-quick');
});

test('recorded attempts that overlap are found, among each other and with the one that completed', () => {
  const withLast = goodSoak();
  withLast.attempts.push(attempt('soak-quick', 1, 1000, 2010));
  assertBroken(withLast, 'overlap recorded', 'soak-quick');
  const withNext = goodSoak();
  withNext.attempts.push(attempt('soak-quick', 1, 1000, 1500), attempt('soak-quick', 0, 900, 1100));
  assertBroken(withNext, 'overlap recorded', 'soak-quick');
});

test('an attempt that began and that nothing tells of is found', () => {
  const soak = rerun();
  soak.attempts.shift();
  assertBroken(soak, 'unexplained run', 'soak-quick');
});

test('the last attempt of a task that failed has to be recorded too', () => {
  const soak = goodSoak();
  soak.attempts = soak.attempts.filter(({ task_id }) => task_id !== 'soak-refuse');
  assertBroken(soak, 'unexplained run', 'soak-refuse');
});

test('a claim that began twice is found', () => {
  const soak = goodSoak();
  soak.signs.push(sign('soak-quick', 2, 2001));
  assertBroken(soak, 'ran twice', 'soak-quick');
});

test('a settle that was told to be stale and was written all the same is found', () => {
  const soak = rerun();
  soak.logs.stale = [{ task_id: 'soak-quick', claim_token: 1 }];
  assert.deepEqual(findViolations(soak), []);
  soak.logs.stale = [{ task_id: 'soak-quick', claim_token: 2 }];
  assertBroken(soak, 'stale settle written', 'soak-quick');
});

test('an effect too many, one too few, and one of a task that failed are found', () => {
  const twice = goodSoak();
  twice.effects.push({ task_id: 'soak-effect' });
  assertBroken(twice, 'wrong effects', 'soak-effect');

  const none = goodSoak();
  none.effects = none.effects.filter(({ task_id }) => task_id !== 'soak-effect');
  assertBroken(none, 'wrong effects', 'soak-effect');

  const failed = goodSoak();
  add(failed, { ...task('beat 3', BEAT.type), status: 'failed', slot: 2 * BEAT.everyMs });
  failed.effects.push({ task_id: 'beat 3' });
  assertBroken(failed, 'wrong effects', 'beat 3');
});

test('a beat that is there twice, is missing, or is out of time is found', () => {
  for (const slot of [BEAT.everyMs, 3 * BEAT.everyMs, 1.5 * BEAT.everyMs]) {
    const soak = goodSoak();
    add(soak, { ...task('beat 3', BEAT.type), slot });
    soak.effects.push({ task_id: 'beat 3' });
    assertBroken(soak, 'wrong beat', new Date(slot).toISOString());
  }
});

test('a runner may end by being killed, in order, or to be started again; any other end is found', () => {
  const exit = { runner: 0, pid: 11, code: null, signal: null, asked: null, began: true, degraded: false };
  const soak = goodSoak();
  soak.exits = [
    { ...exit, asked: 'SIGKILL', signal: 'SIGKILL' },
    { ...exit, asked: 'SIGTERM', code: 0 },
    { ...exit, code: 75 },
    { ...exit, signal: 'SIGKILL', degraded: true },
    { ...exit, asked: 'SIGTERM', signal: 'SIGTERM', began: false },
  ];
  assert.deepEqual(findViolations(soak), []);
  const wrong = [
    { ...exit, code: 1 },
    { ...exit, signal: 'SIGSEGV' as const },
    { ...exit, signal: 'SIGKILL' as const },
    { ...exit, signal: 'SIGSEGV' as const, degraded: true },
    { ...exit, asked: 'SIGTERM' as const, signal: 'SIGKILL' as const },
    { ...exit, asked: 'SIGTERM' as const, signal: 'SIGTERM' as const },
    { ...exit, asked: 'SIGTERM' as const, code: 1 },
  ];
  for (const one of wrong) {
    soak.exits = [one];
    assertBroken(soak, 'wrong exit', 'runner 0 (pid 11)');
  }
});

test('what a runner should never write is found', () => {
  const soak = goodSoak();
  soak.logs.alarms = [{ file: 'runner-0.1.err', text: 'Unhandled', count: 1 }];
  assertBroken(soak, 'alarm', 'runner-0.1.err');
});

test('a soak without faults, or in which a type never ran, proves nothing', () => {
  const calm = goodSoak();
  calm.faults = [];
  assertBroken(calm, 'idle soak', 'faults');
  const idle = goodSoak();
  idle.signs = idle.signs.filter(({ task_id }) => task_id !== 'soak-wait');
  assertBroken(idle, 'idle soak', 'soak-wait');
});

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One task of each type, and a second beat, each run once. A task's id is its type. */
function goodSoak(): Mutable<Evidence> {
  const tasks = Object.keys(EXPECTED).map((type) => task(type, type));
  const refused = tasks.find(({ type }) => type === 'soak-refuse') as TaskEnd;
  refused.status = 'failed';
  (tasks.find(({ type }) => type === BEAT.type) as TaskEnd).slot = 0;
  tasks.push({ ...task('beat 2', BEAT.type), slot: BEAT.everyMs });
  return {
    accepted: ['soak-quick', 'soak-refuse'],
    tasks,
    attempts: [{ ...attempt('soak-refuse', 2, 2000, 2100), outcome: 'invalid' }],
    signs: tasks.map(({ id }) => sign(id, 2, 2000)),
    finishes: tasks.map(({ id, status }) => ({ task_id: id, status })),
    effects: ['soak-effect', BEAT.type, 'beat 2'].map((task_id) => ({ task_id })),
    faults: [{ kind: 'kill', pid: 11, at: 1200, until: 1200 }],
    exits: [],
    logs: { events: {}, stale: [], alarms: [] },
  };
}

/** The same, and the quick task's first attempt was lost. */
function rerun(): Mutable<Evidence> {
  const soak = goodSoak();
  soak.signs = [sign('soak-quick', 1, 1000), ...soak.signs];
  soak.attempts = [attempt('soak-quick', 1, 1000, 1500), ...soak.attempts];
  assert.deepEqual(findViolations(soak), []);
  return soak;
}

function add(soak: Evidence, added: TaskEnd): void {
  const { id, status } = added;
  soak.tasks.push(added);
  if (status !== 'queued' && status !== 'running') soak.finishes.push({ task_id: id, status });
}

function task(id: string, type: string): TaskEnd {
  return { id, type, status: 'completed', claim_token: 2, slot: null, started_at: 2000, finished_at: 2100 };
}

function attempt(
  task_id: string,
  claim_token: number,
  started_at: number,
  finished_at: number,
): RecordedAttempt {
  return { task_id, claim_token, outcome: 'lost', started_at, finished_at, pid: 11 };
}

function sign(task_id: string, claim_token: number, at: number): Sign {
  return { task_id, claim_token, phase: 'begin', at };
}

/** Exactly this rule is found broken. */
function assertBroken(soak: Evidence, rule: string, subject: string): void {
  const found = new Set(findViolations(soak).map((one) => `${one.rule}: ${one.subject}`));
  assert.deepEqual([...found], [`${rule}: ${subject}`]);
}
