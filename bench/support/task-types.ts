import { fileURLToPath } from 'node:url';
import { discover } from '../../src/main/engine/discover.ts';
import type { ThreadOptions } from '../../src/main/engine/task-thread.ts';
import type { RunnableType } from '../../src/main/engine/task-types.ts';

export const THREADS = 2;

/** Where the benchmarks' own tasks are. */
export const TASKS = fileURLToPath(new URL('../tasks', import.meta.url));

export function threadOptionsFor(databaseUrl: string, tasks = TASKS): ThreadOptions {
  return {
    databaseUrl,
    taskFolders: [tasks],
    logLevel: 'info',
    maxHeapMb: 512,
    bootTimeoutMs: 10_000,
  };
}

/** What the benchmarks' tasks define. @throws Error when one of them is not usable */
export async function learnTaskTypes(databaseUrl: string, tasks = TASKS): Promise<RunnableType[]> {
  const { types, rejected } = await discover(threadOptionsFor(databaseUrl, tasks));
  for (const { file, reason } of rejected) throw new Error(`${file}: ${reason}`);
  return types;
}
