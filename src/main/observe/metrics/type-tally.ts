import { isRetry } from '../../engine/outcome.ts';
import type { HeddleEvent } from '../events.ts';
import { LogHistogram } from '../log-histogram.ts';

/** What happened to the tasks of one type, on this runner. */
export class TypeTally {
  readonly isPeriodic: boolean;
  claimed = 0;
  retries = 0;
  /** How many attempts ended with each outcome. */
  readonly outcomes = new Map<string, number>();
  readonly waits = new LogHistogram();
  readonly runs = new LogHistogram();

  constructor(isPeriodic: boolean) {
    this.isPeriodic = isPeriodic;
  }

  /** Takes note of an attempt that has ended. */
  end({ outcome, status, waited_ms, ran_ms }: HeddleEvent & { event: 'attempt_ended' }): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    if (isRetry(outcome, status)) this.retries++;
    if (waited_ms === null) return;
    this.waits.add(waited_ms);
    this.runs.add(ran_ms);
  }
}
