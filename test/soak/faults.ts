import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../../src/main/database/connect.ts';
import type { OwnServer } from '../support/own-server.ts';
import type { RunnerUnderFire } from './runner-under-fire.ts';
import type { Fault, FaultKind } from './schedule.ts';

/** What there is to be hit. */
export interface Targets {
  server: OwnServer;
  runners: readonly RunnerUnderFire[];
  /** Of the harness's own. */
  database: Queryable;
}

/** A fault that has happened. Times are milliseconds since 1970. */
export interface Injected {
  kind: FaultKind;
  /** The process that was hit, or null for all. */
  pid: number | null;
  at: number;
  until: number;
}

/** Lets the faults happen, each at its time. Resolves when the last one is over. */
export async function injectFaults(
  faults: readonly Fault[],
  targets: Targets,
  tell: (injected: Injected) => void,
): Promise<void> {
  const startedAt = performance.now();
  /** Of each victim. On a slow machine one fault may not be over when the next one is due: it waits. */
  const latest = new Map<number | null, Promise<void>>();
  for (const fault of faults) {
    const before = latest.get(fault.runner);
    latest.set(fault.runner, inject(fault, before));
  }
  await Promise.all(latest.values());

  async function inject(fault: Fault, before: Promise<void> | undefined): Promise<void> {
    await sleep(startedAt + fault.atMs - performance.now());
    await before;
    const runner = fault.runner === null ? null : (targets.runners[fault.runner] as RunnerUnderFire);
    const pid = runner?.pid ?? null;
    const at = Date.now();
    if (runner === null) await hitDatabase(fault, targets);
    else await hitRunner(fault, runner);
    tell({ kind: fault.kind, pid, at, until: Date.now() });
  }
}

async function hitRunner({ kind, forMs }: Fault, runner: RunnerUnderFire): Promise<void> {
  const { proxy } = runner;
  switch (kind) {
    case 'kill':
      return runner.kill(forMs);
    case 'terminate':
      return runner.terminate(forMs);
    case 'pause':
    case 'long pause':
      return runner.pause(forMs);
    case 'freeze':
    case 'long freeze':
      proxy.freeze();
      await sleep(forMs);
      return proxy.thaw();
    case 'cut':
      return proxy.cut();
    case 'outage':
      proxy.refuse();
      proxy.cut();
      await sleep(forMs);
      return proxy.thaw();
    default:
      throw new Error(`${kind} does not hit a runner`);
  }
}

async function hitDatabase({ kind, forMs }: Fault, { server, database }: Targets): Promise<void> {
  switch (kind) {
    case 'storm':
      return storm(database, forMs);
    case 'restart':
      await server.stop();
      await sleep(forMs);
      return server.start();
    case 'crash':
      await server.crash();
      await sleep(forMs);
      return server.start();
    case 'stall':
      await server.freeze();
      await sleep(forMs);
      return server.thaw();
    default:
      throw new Error(`${kind} does not hit the database`);
  }
}

async function storm(database: Queryable, forMs: number): Promise<void> {
  const startedAt = performance.now();
  do {
    await database.query(END_SESSIONS);
    await sleep(STORM_EVERY_MS);
  } while (performance.now() - startedAt < forMs);
}

const STORM_EVERY_MS = 200;

/** Of runners and of their tasks. */
const END_SESSIONS = `
select pg_terminate_backend(pid)
from pg_stat_activity
where application_name like 'heddle%' and datname = current_database()`;
