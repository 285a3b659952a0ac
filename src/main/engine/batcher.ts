/**
 * Writes what is added in batches, in order, one write at a time. The first item is written at once; what arrives
 * while a write is under way makes the next batch. So a lone item never waits, and under load batches grow by
 * themselves.
 */
export class Batcher<T> {
  readonly #limit: number;
  readonly #write: (items: T[]) => Promise<void>;
  #waiting: T[] = [];
  #writing = false;
  #added = 0;
  #written = 0;
  /** Callers of `written`, in the order of what they wait for. */
  readonly #callers: { upTo: number; resolve: () => void }[] = [];

  /** @param write writes a batch, and does not reject: what to do about an error is its business */
  constructor(limit: number, write: (items: T[]) => Promise<void>) {
    this.#limit = limit;
    this.#write = write;
  }

  /** Items that are not yet taken for writing. */
  get waiting(): number {
    return this.#waiting.length;
  }

  add(item: T): void {
    this.#waiting.push(item);
    this.#added++;
    if (!this.#writing) void this.#writeAll();
  }

  /** Resolves when everything added so far has been written, whatever is added meanwhile. */
  async written(): Promise<void> {
    const upTo = this.#added;
    if (this.#written < upTo) await new Promise<void>((resolve) => this.#callers.push({ upTo, resolve }));
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    // What else arrives in this turn of the event loop goes into the same batch.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#limit);
      await this.#write(batch);
      this.#noteWritten(batch.length);
    }
    this.#writing = false;
  }

  #noteWritten(count: number): void {
    this.#written += count;
    while ((this.#callers[0]?.upTo ?? Number.POSITIVE_INFINITY) <= this.#written)
      this.#callers.shift()?.resolve();
  }
}
