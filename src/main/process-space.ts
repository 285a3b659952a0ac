import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Within what a process id means one process: this boot of the machine, and this PID namespace of it. Two containers
 * can have one host name and the same process ids. Without /proc there are no such namespaces.
 */
export const processSpace = `${read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())} ${read(() => readlinkSync('/proc/self/ns/pid'))}`;

function read(what: () => string): string {
  try {
    return what();
  } catch {
    return '';
  }
}
