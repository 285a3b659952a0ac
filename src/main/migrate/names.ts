export type Direction = 'UP' | 'DOWN';

/** The name of a pair's file, taken apart. */
export interface MigrationName {
  /** `YYYYMMDDHHMMSS_name`. */
  id: string;
  direction: Direction;
}

/** What a folder of migrations may hold beside them. */
export function isIgnored(file: string): boolean {
  return file.startsWith('.') || /^readme(\.|$)/i.test(file);
}

/** Takes a file name apart, or says what is wrong with it. */
export function parseName(file: string): MigrationName | { fault: string } {
  const [, id, time, direction] = FILE_NAME.exec(file) ?? [];
  if (id === undefined || time === undefined)
    return {
      fault: `${file}: the name is not YYYYMMDDHHMMSS_name_UP.sql or …_DOWN.sql in lower case: rename it, or move it elsewhere`,
    };
  if (!isTime(time)) return { fault: `${file}: ${time} is not a date and time: rename it` };
  return { id, direction: direction as Direction };
}

/** Ids sort by time as text. Two with one time would have no order that a person can rely on. */
export function timeOf(id: string): string {
  return id.slice(0, 14);
}

/** What a pair may be called behind its time. */
export function isName(name: string): boolean {
  return /^[a-z][a-z0-9_]{0,62}$/.test(name);
}

const FILE_NAME = /^((\d{14})_[a-z][a-z0-9_]{0,62})_(UP|DOWN)\.sql$/;

/** Whether fourteen digits are a moment of the calendar. */
export function isTime(digits: string): boolean {
  if (!/^\d{14}$/.test(digits)) return false;
  const iso = digits.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6.000Z');
  const time = new Date(iso);
  return !Number.isNaN(time.getTime()) && time.toISOString() === iso;
}
