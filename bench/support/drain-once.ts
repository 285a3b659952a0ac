import { createTestDatabase } from '../../test/support/database.ts';
import { measureInChild } from './child.ts';
import type { Drained } from './measure-drain.ts';

/** Drains so many tasks of a new database in a new process. @param script what measures it there, and says so */
export async function drainOnce<D extends Drained>(
  name: string,
  script: URL,
  tasks: number,
  say: (line: string) => void,
): Promise<D> {
  const database = await createTestDatabase();
  try {
    const drained = await measureInChild<D>(script, [database.url, String(tasks)]);
    const { ms, cpuMs } = drained;
    const rate = Math.round(perSecond(tasks, ms)).toLocaleString('en');
    const microseconds = ((cpuMs / tasks) * 1000).toFixed(0);
    say(
      `${name}: ${tasks.toLocaleString('en')} in ${Math.round(ms)} ms, ${rate} tasks/s, ${microseconds} µs CPU each`,
    );
    return drained;
  } finally {
    await database.drop();
  }
}

export function perSecond(tasks: number, ms: number): number {
  return (tasks / ms) * 1000;
}
