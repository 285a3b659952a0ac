import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 15;

/**
 * Polls until the condition gives something other than false, null or undefined, and returns that.
 * @param what completes "waited in vain for …"
 * @throws whatever the condition throws, at once
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = 30_000,
): Promise<NonNullable<T>> {
  const startedAt = performance.now();
  for (;;) {
    const value = await condition();
    if (value !== false && value !== null && value !== undefined) return value;
    if (performance.now() - startedAt > timeoutMs) {
      const testimony = [...witnesses].map((tell) => `\n${tell()}`).join('');
      throw new Error(`waited in vain for ${what} (${timeoutMs} ms)${testimony}`);
    }
    await sleep(POLL_MS);
  }
}

/** Lets a process tell what it has seen when somebody waits in vain. @returns undoes it */
export function witness(tell: () => string): () => void {
  witnesses.add(tell);
  return () => witnesses.delete(tell);
}

const witnesses = new Set<() => string>();
