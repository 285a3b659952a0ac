/** How much one request may hold. */
export interface BatchLimits {
  texts: number;
  /** In UTF-16 units. A text that is longer goes by itself. */
  characters: number;
}

/** Well below what endpoints take: OpenAI's allows 2048 texts and 300,000 tokens, smaller ones 32 texts. */
export const BATCH: BatchLimits = { texts: 32, characters: 60_000 };

/** Cuts a list into batches, in its order. */
export function* batchesOf<T extends { text: string }>(
  items: readonly T[],
  { texts, characters }: BatchLimits = BATCH,
): Generator<T[]> {
  let batch: T[] = [];
  let held = 0;
  for (const item of items) {
    if (batch.length === texts || (batch.length > 0 && held + item.text.length > characters)) {
      yield batch;
      batch = [];
      held = 0;
    }
    batch.push(item);
    held += item.text.length;
  }
  if (batch.length > 0) yield batch;
}
