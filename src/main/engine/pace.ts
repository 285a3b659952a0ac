/**
 * How long attempts of each type take, as a moving average. What is not known to be quick is treated as slow.
 */
export class Pace {
  readonly #averages = new Map<string, number>();

  /** Takes note of an attempt that succeeded, in milliseconds. */
  note(type: string, ranMs: number): void {
    const average = this.#averages.get(type);
    // A slow one counts at once, quick ones have to earn the trust back: guessing too slow costs a little speed,
    // guessing too quick makes tasks wait behind others.
    const weight = average === undefined || ranMs > average ? 0.5 : 0.1;
    this.#averages.set(type, average === undefined ? ranMs : average + (ranMs - average) * weight);
  }

  /** The expected duration in milliseconds when it is quick, else null. */
  quickMs(type: string): number | null {
    const average = this.#averages.get(type);
    return average !== undefined && average <= QUICK_MS ? Math.max(average, LEAST_MS) : null;
  }
}

/** Up to here, waiting for a claim is a considerable part of an attempt: the next task is claimed before this one ends. */
export const QUICK_MS = 100;

/** What even an empty attempt costs a thread. */
const LEAST_MS = 0.02;
