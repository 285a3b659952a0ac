import type { Pool } from 'pg';
import { batchesOf } from '../../../workers/shared/embeddings/batches.ts';
import type { Embedder } from '../../../workers/shared/embeddings/embedder.ts';
import { EmbeddingError } from '../../../workers/shared/embeddings/error.ts';
import { chunksWithout, keepEmbeddings } from './stored-embeddings.ts';

export interface EmbedOptions {
  signal: AbortSignal;
  /** After so long it stops between two batches. */
  mostMs: number;
  /** Told after each batch how many are embedded now. */
  onBatch: (embedded: number) => Promise<void>;
}

export interface Embedded {
  /** How many this call has embedded. */
  chunks: number;
  /** Whether nothing is left. */
  isComplete: boolean;
}

/**
 * Embeds those chunks of a document that have no embedding of the embedder's model yet, batch by batch. What is kept
 * stays: whoever comes after a kill goes on from there.
 * @throws EmbeddingError, or what `signal` was aborted with
 */
export async function embedChunks(
  database: Pool,
  id: string,
  embedder: Embedder,
  { signal, mostMs, onBatch }: EmbedOptions,
): Promise<Embedded> {
  const until = performance.now() + mostMs;
  let dimension: number | null = null;
  let embedded = 0;
  for (;;) {
    const chunks = await chunksWithout(database, id, embedder.model, dimension);
    if (chunks.length === 0) return { chunks: embedded, isComplete: true };
    for (const batch of batchesOf(chunks)) {
      if (performance.now() > until) return { chunks: embedded, isComplete: false };
      const texts = batch.map(({ text }) => text);
      const vectors = await embedder.embed(texts, { timeoutMs: ANSWER_MS, signal });
      dimension = sameDimension(dimension, vectors);
      await keepEmbeddings(database, batch, embedder.model, vectors);
      embedded += batch.length;
      await onBatch(embedded);
    }
  }
}

/** A small server without a graphics card needs half a minute for a batch. */
const ANSWER_MS = 60_000;

/** Those that an earlier attempt has kept may have another one, and are made anew; to alternate would take for ever. */
function sameDimension(before: number | null, [first]: readonly Float32Array[]): number {
  const now = (first as Float32Array).length;
  if (before === null || before === now) return now;
  throw new EmbeddingError(`the embeddings endpoint gave vectors of ${before}, then of ${now} numbers`, {
    isPassing: false,
  });
}
