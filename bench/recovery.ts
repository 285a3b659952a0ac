import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { connect } from '../src/main/database/connect.ts';
import { OwnServer } from '../test/support/own-server.ts';
import { TcpProxy } from '../test/support/tcp-proxy.ts';
import { Backlog } from './support/backlog.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { nextMessage, startChild } from './support/child.ts';
import { type Fault, freeze, NONE, RESTART, storm, type Targets } from './support/faults.ts';
import {
  countBetween,
  cpuBetween,
  firstCompletion,
  firstListening,
  type Timeline,
} from './support/timeline.ts';

/** Whether a runner is after a fault what it was before, and how soon. One runner bears one fault after the other. */
export async function recovery({ quick, say }: BenchOptions): Promise<Row[]> {
  const server = await OwnServer.start();
  const proxy = await TcpProxy.start(server.port);
  const database = connect(server.url, 'bench', () => {});
  await switchOffAutovacuum(database);
  const runner = startChild(RUNNER, [proxy.url(server.url)]);
  const backlog = new Backlog(database, LEAST_QUEUED);
  try {
    await nextMessage(runner);
    backlog.start();
    const phases = await measurePhases({ server, proxy, database }, quick ? 3000 : 8000, say);
    await backlog.stop();
    runner.send('tell');
    const timeline = await nextMessage<Timeline>(runner);
    return phases.flatMap((phase) => toRows(phase, timeline));
  } finally {
    await backlog.stop();
    runner.kill('SIGKILL');
    await database.end();
    proxy.stop();
    await server.remove();
  }
}

const RUNNER = new URL('./recovery-runner.js', import.meta.url);
const LEAST_QUEUED = 10_000;

/** It would come in one window or the other: the benchmark does it before each. */
async function switchOffAutovacuum(database: pg.Pool): Promise<void> {
  await database.query('alter system set autovacuum = off');
  await database.query('select pg_reload_conf()');
}

const FAULTS = [NONE, storm(5000), RESTART, freeze(10_000)];

const TARGET = 0.95;
const COMPLETION_MS = 2000;
const LISTENING_MS = 15_000;

/** A stretch of time in which nothing goes wrong. */
interface Window {
  from: number;
  until: number;
}

interface Phase {
  fault: Fault;
  before: Window;
  overAt: number;
  after: Window;
}

/** All are compared with the last window before any fault: what one fault leaves behind is no measure for the next. */
async function measurePhases(
  targets: Targets,
  windowMs: number,
  say: (line: string) => void,
): Promise<Phase[]> {
  const phases: Phase[] = [];
  let before = await measureWindow(targets, windowMs);
  for (const fault of FAULTS) {
    say(fault.name);
    const overAt = await fault.happen(targets);
    const after = await measureWindow(targets, windowMs);
    phases.push({ fault, before, overAt, after });
    if (fault === NONE) before = after;
  }
  await sleep(LISTENING_MS + (phases.at(-1)?.overAt ?? 0) - Date.now());
  return phases;
}

/**
 * Each begins with a table without dead rows, and after a checkpoint: until a page was written again after one,
 * PostgreSQL has more to write.
 */
async function measureWindow({ database }: Targets, windowMs: number): Promise<Window> {
  await sleep(RECOVERS_WITHIN_MS);
  await database.query('vacuum analyze tasks');
  await database.query('checkpoint');
  const from = Date.now();
  await sleep(windowMs);
  return { from, until: Date.now() };
}

/** New threads are at their full speed after a second. */
const RECOVERS_WITHIN_MS = 3000;

function toRows({ fault, before, overAt, after }: Phase, timeline: Timeline): Row[] {
  const rate = toRateRow(
    `after ${fault.name}: tasks/s`,
    performanceIn(before, timeline),
    performanceIn(after, timeline),
  );
  if (fault === NONE) return [{ ...rate, target: '-', met: null }];
  const completedAt = firstCompletion(timeline, overAt);
  const listeningAt = firstListening(timeline, overAt);
  return [
    rate,
    toDelayRow(`after ${fault.name}: first task claimed and settled`, overAt, completedAt, COMPLETION_MS),
    toDelayRow(`after ${fault.name}: listens again`, overAt, listeningAt, LISTENING_MS),
  ];
}

interface Performance {
  perSecond: number;
  /** Of the runner's process, for each task. What else the machine does slows a task down, but hardly changes this. */
  cpuMicroseconds: number;
}

function performanceIn({ from, until }: Window, timeline: Timeline): Performance {
  const count = countBetween(timeline, from, until);
  const perSecond = (count / (until - from)) * 1000;
  return { perSecond, cpuMicroseconds: (cpuBetween(timeline, from, until) / count) * 1000 };
}

function toRateRow(what: string, was: Performance, is: Performance): Row {
  const ratio = is.perSecond / was.perSecond;
  const rates = [is, was].map(({ perSecond }) => Math.round(perSecond).toLocaleString('en')).join(' to ');
  const cpu = [is, was].map(({ cpuMicroseconds }) => cpuMicroseconds.toFixed(0)).join(' to ');
  return {
    what,
    target: `≥ ${TARGET} × before`,
    measured: `${ratio.toFixed(2)} ×: ${rates}; ${cpu} µs CPU each`,
    met: ratio >= TARGET,
  };
}

function toDelayRow(what: string, from: number, at: number | undefined, limitMs: number): Row {
  const target = `< ${limitMs / 1000} s`;
  if (at === undefined) return { what, target, measured: 'never', met: false };
  return { what, target, measured: `${at - from} ms`, met: at - from < limitMs };
}
