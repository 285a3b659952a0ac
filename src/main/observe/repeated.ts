import type { HeddleEvent, Observe } from './events.ts';

type Fault = Extract<HeddleEvent, { event: 'database_error' }>;

/**
 * Tells the same database error once in ten seconds, and then how often it came: while a database is away, everybody
 * asks for it again and again.
 */
export function countRepeated(observe: Observe, forMs = 10_000): Observe {
  const repeated = new Map<string, number>();
  return (event) => {
    if (event.event !== 'database_error') {
      observe(event);
      return;
    }
    const key = `${event.during}: ${event.message}`;
    const times = repeated.get(key);
    if (times !== undefined) repeated.set(key, times + 1);
    else {
      observe(event);
      repeated.set(key, 0);
      setTimeout(() => tellTimes(event, key), forMs).unref();
    }
  };

  function tellTimes(fault: Fault, key: string): void {
    const times = repeated.get(key) ?? 0;
    repeated.delete(key);
    if (times > 0) observe({ ...fault, repeated: times });
  }
}
