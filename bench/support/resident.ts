import { readFileSync } from 'node:fs';

/** Resident memory of a process. Needs Linux (`/proc`). */
export function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
