import { setTimeout as sleep } from 'node:timers/promises';

/** Comments for a stream of events until something happens: they show both ends, and proxies, that it is alive. */
export async function* heartbeatsUntil(
  event: Promise<unknown>,
  everyMs = 15_000,
): AsyncGenerator<string, undefined> {
  const happened = event.then(() => true);
  for (;;) {
    const beat = new AbortController();
    const time = sleep(everyMs, false, { signal: beat.signal }).catch(() => false);
    const isOver = await Promise.race([happened, time]);
    beat.abort();
    if (isOver) return;
    yield ': alive\n\n';
  }
}
