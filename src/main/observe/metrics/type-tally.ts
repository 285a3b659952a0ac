import { isRetry, type Outcome } from '../../engine/outcome.ts';
import type { HeddleEvent } from '../events.ts';
import { LogHistogram } from '../log-histogram.ts';

/** What happened to the tasks of one type, on this runner. */
export class TypeTally {
  readonly isPeriodic: boolean;
  claimed = 0;
  retries = 0;
  /** How many attempts ended with each outcome. */
  readonly outcomes = new Map<string, number>(Object.entries(NONE));
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

/** All outcomes are told from the start: of a counter that appears with its first event, Prometheus misses that one. */
const NONE: Record<Outcome['name'], 0> = {
  succeeded: 0,
  failed: 0,
  invalid: 0,
  timed_out: 0,
  cancelled: 0,
  lost: 0,
  given_back: 0,
  snoozed: 0,
  duplicate: 0,
};
