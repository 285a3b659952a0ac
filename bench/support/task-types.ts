import { fileURLToPath } from 'node:url';
import { discover } from '../../src/main/engine/discover.ts';
import type { ThreadOptions } from '../../src/main/engine/task-thread.ts';
import type { RunnableType } from '../../src/main/engine/task-types.ts';

export const THREADS = 2;

/** Where the benchmarks' own tasks are. */
export const TASKS = fileURLToPath(new URL('../tasks', import.meta.url));

/** Where those are that Heddle brings. */
export const OWN_TASKS = fileURLToPath(new URL('../../src/tasks', import.meta.url));

export function threadOptionsFor(databaseUrl: string, options: Partial<ThreadOptions> = {}): ThreadOptions {
  return {
    databaseUrl,
    taskFolders: [TASKS],
    logLevel: 'info',
    maxHeapMb: 512,
    bootTimeoutMs: 10_000,
    ...options,
  };
}

/** What the tasks define. @throws Error when one of them is not usable */
export async function learnTaskTypes(
  databaseUrl: string,
  options: Partial<ThreadOptions> = {},
): Promise<RunnableType[]> {
  const { types, rejected } = await discover(threadOptionsFor(databaseUrl, options));
  for (const { file, reason } of rejected) throw new Error(`${file}: ${reason}`);
  return types;
}
