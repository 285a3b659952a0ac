import type { ChildProcess } from 'node:child_process';
import { nextMessage, startChild } from './child.ts';
import { THREADS } from './task-types.ts';

/** As many bare Node processes as Heddle has threads. */
export type Bare = readonly ChildProcess[];

/** @param rounds of computation a task */
export async function startBare(rounds: number): Promise<Bare> {
  const children = Array.from({ length: THREADS }, () => startChild(SCRIPT, [String(rounds)]));
  await Promise.all(children.map((child) => nextMessage(child)));
  return children;
}

/** @returns how long so many tasks take them, in milliseconds */
export async function throughBare(bare: Bare, tasks: number): Promise<number> {
  const startedAt = performance.now();
  const done = bare.map((child) => nextMessage(child));
  for (const child of bare) child.send(tasks / bare.length);
  await Promise.all(done);
  return performance.now() - startedAt;
}

const SCRIPT = new URL('../cpu-bare.js', import.meta.url);
