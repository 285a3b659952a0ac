import { appendFileSync } from 'node:fs';

/** Notes what was measured, for the table that is printed at the end. Each file runs in a process of its own. */
export function tell(what: string, value: string): void {
  const file = process.env.HEDDLE_MEASURED;
  if (file === undefined) console.log(`${what}: ${value}`);
  else appendFileSync(file, `| ${what} | ${value} |\n`);
}
