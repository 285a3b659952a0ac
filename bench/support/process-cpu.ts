import { existsSync, readFileSync } from 'node:fs';

/** Whether this machine tells what processes use. */
export const TELLS_CPU = existsSync('/proc/self/stat');

/** How long a process has kept a processor busy. It counts in hundredths. */
export function cpuSeconds(pid: number | undefined): number {
  // The name, which may hold anything, is in brackets; user and system time are the 14th and 15th field.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** USER_HZ, which Linux fixes for every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
