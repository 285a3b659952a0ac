import type { RetryPolicy } from '../../../drizzle/schema/tasks.ts';

/**
 * How long a task waits for its next attempt, in seconds.
 * @param tries attempts that count so far, at least 1
 * @param random from 0 up to 1. Jitter takes up to half off a delay, so that tasks that failed together do not all
 *   come back together ("equal jitter", Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
export function retryDelaySeconds(policy: RetryPolicy, tries: number, random: number): number {
  if (policy.strategy === 'cooldown') return policy.seconds;
  // Not Infinity after many tries: times nothing it would be no number.
  const growth = Math.min(Number.MAX_VALUE, policy.factor ** (tries - 1));
  const delay = Math.min(policy.maxSeconds, policy.seconds * growth);
  return policy.jitter ? delay * (1 - random / 2) : delay;
}
