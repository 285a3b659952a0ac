import { readFileSync } from 'node:fs';

/*
 * Preloaded with `--import` into a process and each of its threads: their wall clock is off by the milliseconds that
 * the file SHIFTED_CLOCK holds, and jumps when it is written anew. Monotonic clocks are left alone, as by a real jump.
 */

const file = process.env.SHIFTED_CLOCK;
if (file !== undefined) globalThis.Date = shifted(Date, file);

function shifted(Real: DateConstructor, path: string): DateConstructor {
  const now = () => Real.now() + Number(readFileSync(path, 'utf8'));
  return class extends Real {
    static override now = now;

    constructor(...parts: [] | [number | string | Date]) {
      super(...((parts.length === 0 ? [now()] : parts) as [number]));
    }
  } as DateConstructor;
}
