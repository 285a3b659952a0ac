import type { HeddleEvent, Observe } from './events.ts';

/** What can come a thousand times a second as long as its cause lasts. */
type Repeatable = Extract<HeddleEvent, { repeated?: number }>;

/**
 * Tells the same of these events once in ten seconds, and then how often it came: while a database is away, everybody
 * asks for it again and again.
 */
export function countRepeated(observe: Observe, forMs = 10_000): Observe {
  const repeated = new Map<string, number>();
  return (event) => {
    const key = keyOf(event);
    if (key === undefined) {
      observe(event);
      return;
    }
    const times = repeated.get(key);
    if (times !== undefined) repeated.set(key, times + 1);
    else {
      observe(event);
      repeated.set(key, 0);
      setTimeout(() => tellTimes(event as Repeatable, key), forMs).unref();
    }
  };

  function tellTimes(event: Repeatable, key: string): void {
    const times = repeated.get(key) ?? 0;
    repeated.delete(key);
    if (times > 0) observe({ ...event, repeated: times });
  }
}

/** @returns undefined when each of them is to be told */
function keyOf(event: HeddleEvent): string | undefined {
  switch (event.event) {
    case 'database_error':
      return `${event.during}: ${event.message}`;
    case 'connection_refused':
    case 'stream_refused':
    case 'upload_refused':
      return event.event;
    default:
      return undefined;
  }
}
