/**
 * The seconds of an interval such as `30 seconds`, `1 minute`, `6 hours`, `1 day`.
 * @throws Error when it is not one, or is shorter than a second or longer than a year
 */
export function everySeconds(every: string): number {
  const match = /^(\d+(?:\.\d+)?) +(second|minute|hour|day)s?$/.exec(String(every).trim());
  if (match === null) {
    throw new Error(
      `every must be a number of seconds, minutes, hours or days, such as '30 seconds', not '${every}'`,
    );
  }
  const seconds = Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  if (seconds < 1 || seconds > 366 * UNITS.day)
    throw new Error(`every must be from a second to a year, not '${every}'`);
  return seconds;
}

const UNITS = { second: 1, minute: 60, hour: 3600, day: 86_400 };
