/**
 * Keeps an answer for as long as it is fresh: at most four seconds, and no longer than a hundred times of what it took,
 * so that it is new where that is cheap. Simultaneous callers share one reading.
 */
export class Fresh<T> {
  readonly #read: () => Promise<T>;
  #value: { of: T; until: number } | null = null;
  #reading: Promise<T> | null = null;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** @throws what the reading throws; the next caller tries again */
  get(): Promise<T> {
    if (this.#value !== null && performance.now() < this.#value.until) return Promise.resolve(this.#value.of);
    this.#reading ??= this.#readAnew().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readAnew(): Promise<T> {
    const startedAt = performance.now();
    const of = await this.#read();
    const tookMs = performance.now() - startedAt;
    this.#value = { of, until: startedAt + Math.min(MOST_AGE_MS, tookMs * 100) };
    return of;
  }
}

/** With the time that an answer takes, nobody is told anything older than five seconds. */
const MOST_AGE_MS = 4000;
