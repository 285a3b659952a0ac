import { EXIT, MigrationError } from '../error.ts';
import { isTime, timeOf } from '../names.ts';

/**
 * The id of a new pair: the time, or a second after the newest id when the clock is not past that. It sorts behind all
 * others and shares its time with none. Pure.
 * @param taken names that begin with a time, in any order; others are passed over
 */
export function nextId(name: string, now: Date, taken: readonly string[]): string {
  const newest = taken.map(timeOf).filter(isTime).sort().at(-1);
  const time = newest === undefined ? now : new Date(Math.max(now.getTime(), afterwards(newest)));
  const digits = time
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replaceAll(/\D/g, '');
  if (!isTime(digits)) throw new MigrationError(EXIT.filesInvalid, `no id can be newer than ${newest}`);
  return `${digits}_${name}`;
}

function afterwards(digits: string): number {
  return Date.parse(digits.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z')) + 1000;
}
