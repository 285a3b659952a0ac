import { createTestDatabase } from '../../test/support/database.ts';
import { measureInChild } from './child.ts';
import type { Drained } from './measure-drain.ts';
import { ServerCpu } from './server-cpu.ts';

/** What PostgreSQL had to do for it. */
export interface Served {
  /** CPU of the server, all its processes together. */
  serverMs: number;
}

/** Drains so many tasks of a new database in a new process. @param script what measures it there, and says so */
export async function drainOnce<D extends Drained>(
  name: string,
  script: URL,
  tasks: number,
  say: (line: string) => void,
): Promise<D & Served> {
  const database = await createTestDatabase();
  try {
    const server = await ServerCpu.of(database.url);
    let serverMs = 0;
    const drained = await measureInChild<D>(script, [database.url, String(tasks)], {
      ready: () => {
        serverMs = -server.ms();
      },
      measured: () => {
        serverMs += server.ms();
      },
    });
    const { ms, cpuMs } = drained;
    const rate = Math.round(perSecond(tasks, ms)).toLocaleString('en');
    const each = (cpu: number) => ((cpu / tasks) * 1000).toFixed(0);
    say(
      `${name}: ${tasks.toLocaleString('en')} in ${Math.round(ms)} ms, ${rate} tasks/s, CPU each: ${each(cpuMs)} µs Node, ${each(serverMs)} µs PostgreSQL`,
    );
    return { ...drained, serverMs };
  } finally {
    await database.drop();
  }
}

export function perSecond(tasks: number, ms: number): number {
  return (tasks / ms) * 1000;
}
