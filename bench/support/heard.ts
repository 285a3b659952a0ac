import type { HeddleEvent } from '../../src/main/observe/events.ts';

export type Ended = HeddleEvent & { event: 'attempt_ended' };

/** Waits for what an engine tells. */
export class Heard {
  readonly #waiting = new Set<(event: HeddleEvent) => void>();

  hear(event: HeddleEvent): void {
    for (const hear of this.#waiting) hear(event);
  }

  /** Resolves when tasks are claimed, for the first time from now. */
  claim(): Promise<void> {
    return this.#next(1, ({ event }) => event === 'tasks_claimed');
  }

  /** Resolves when so many attempts, counted from now, that `counts` says yes to have been settled. */
  settled(count: number, counts: (ended: Ended) => boolean = () => true): Promise<void> {
    return this.#next(count, (event) => event.event === 'attempt_ended' && counts(event));
  }

  /** Calls `ended` for each attempt that is settled from now on. */
  each(ended: () => void): void {
    this.#waiting.add(({ event }) => {
      if (event === 'attempt_ended') ended();
    });
  }

  #next(count: number, counts: (event: HeddleEvent) => boolean): Promise<void> {
    return new Promise((resolve) => {
      let left = count;
      const hear = (event: HeddleEvent) => {
        if (!counts(event) || --left > 0) return;
        this.#waiting.delete(hear);
        resolve();
      };
      this.#waiting.add(hear);
    });
  }
}
