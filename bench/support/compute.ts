/** Work that only needs a core: so many steps of a random number generator (xorshift). */
export function compute(rounds: number): number {
  let x = 1;
  for (let round = 0; round < rounds; round++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  return x;
}

/** How many rounds take this machine so many milliseconds when nothing else runs: the best of several tries. */
export function roundsIn(milliseconds: number): number {
  const rounds = 5_000_000;
  let bestMs = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 10; tries++) {
    const startedAt = performance.now();
    compute(rounds);
    bestMs = Math.min(bestMs, performance.now() - startedAt);
  }
  return Math.round((rounds * milliseconds) / bestMs);
}
