/**
 * Says when a claim goes by age and not by urgency, so that nothing starves: one in EVERY. A task that has waited for
 * AGED_SECONDS then starts within a bounded number of claims, whatever keeps coming that is more urgent.
 */
export class Ageing {
  #byUrgency = 0;
  #turn = 0;

  /** Whether the next claim goes by age. */
  get isDue(): boolean {
    return this.#byUrgency >= EVERY - 1;
  }

  /** Counts the claims that went by age. */
  get turn(): number {
    return this.#turn;
  }

  /** Takes note of a claim that was made as `isDue` says. @returns whether it went by age for nothing */
  note(found: boolean): boolean {
    if (!this.isDue) {
      if (found) this.#byUrgency++;
      return false;
    }
    this.#byUrgency = 0;
    this.#turn++;
    return !found;
  }
}

/** Most of what is claimed goes by urgency. */
export const EVERY = 10;
