/*
 * Checks of a definition's options. Each returns the value, or throws an Error that names the option, what it must be
 * and what it is: a task author reads it in the runner's log.
 */

export function positive(name: string, value: number): number {
  if (!(Number.isFinite(value) && value > 0))
    throw new Error(`${name} must be a number above 0, not ${value}`);
  return value;
}

export function numberBetween(name: string, value: number, least: number, most: number): number {
  if (!(typeof value === 'number' && value >= least && value <= most))
    throw new Error(`${name} must be a number from ${least} to ${most}, not ${value}`);
  return value;
}

/** Of seconds: a hundred years is the most, which PostgreSQL can still add to a time. */
export function duration(name: string, value: number): number {
  if (!(value >= 0 && value <= CENTURY_SECONDS))
    throw new Error(`${name} must be a number of seconds from 0 to ${CENTURY_SECONDS}, not ${value}`);
  return value;
}

const CENTURY_SECONDS = 3_155_760_000;

export function wholeNumber(name: string, value: number, least: number): number {
  if (!(Number.isInteger(value) && value >= least && value <= MOST))
    throw new Error(`${name} must be a whole number from ${least} to ${MOST}, not ${value}`);
  return value;
}

/** Far from what the database's integers hold. */
const MOST = 1_000_000;

export function trueOrFalse(name: string, value: boolean): boolean {
  if (typeof value !== 'boolean') throw new Error(`${name} must be true or false, not ${String(value)}`);
  return value;
}

export function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value))
    throw new Error(`${name} must be one of ${allowed.join(', ')}, not '${value}'`);
}
