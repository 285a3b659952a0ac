import { availableParallelism } from 'node:os';
import type { Pool } from 'pg';
import { z } from 'zod';
import { defineDatabaseTask, PermanentError, RetryAfter } from '../workers/define-task.ts';
import { embeddingsConfig } from '../workers/shared/embeddings/config.ts';
import { embedderOf } from '../workers/shared/embeddings/embedder.ts';
import type { EmbeddingError } from '../workers/shared/embeddings/error.ts';
import { embedChunks } from './documents/embeddings/embed-chunks.ts';
import {
  beginEmbedding,
  keepEmbedded,
  keepUnembedded,
  noteFailedEmbedding,
  noteTrouble,
} from './documents/embeddings/stored-embeddings.ts';
import { transaction } from './documents/stored-document.ts';

const threads = Number(process.env.THREADS?.trim() || availableParallelism());

export default defineDatabaseTask({
  description: 'Makes embeddings of the chunks of a document, so that it is found by what it means',
  emoji: '🧭',
  payload: z.object({ document_id: z.uuid() }),
  maxRetries: 5,
  retry: { strategy: 'exponential', seconds: 5, factor: 3, maxSeconds: 300, jitter: true },
  deduplicate: 'payload',
  // They mostly wait for an endpoint, which may hang: other tasks need threads, too.
  batchSize: Math.max(1, Math.floor(threads / 2)),
  async run({ payload, signal, log, progress, database, task, complete }) {
    const id = payload.document_id;
    const config = embeddingsConfig(process.env);
    if (config === null) {
      await transaction(database, async (client) => {
        await keepUnembedded(client, id);
        await complete(client, { skipped: 'EMBEDDINGS_URL is not set' });
      });
      log.info({ document_id: id }, 'skipped: EMBEDDINGS_URL is not set, the document is found by its words');
      return;
    }

    const embedder = embedderOf(config);
    const { model } = embedder;
    const chunks = await beginEmbedding(database, id, model);
    log.info({ document_id: id, chunks, model }, `embedding ${chunks} chunks`);
    try {
      const embedded = await embedChunks(database, id, embedder, {
        signal,
        mostMs: TURN_MS,
        onBatch: (done) => progress(Math.min(1, done / chunks), `${done} of ${chunks} chunks`),
      });
      if (!embedded.isComplete) throw new RetryAfter(0, 'the rest in another attempt: others have waited');
      await transaction(database, async (client) => {
        const dimension = await keepEmbedded(client, id, model);
        await complete(client, { chunks, embedded: embedded.chunks, model, dimension });
      });
      log.info({ document_id: id, embedded: embedded.chunks, model }, 'embedded');
    } catch (error) {
      if ((error as Error).name !== 'EmbeddingError') throw error;
      const isLast = task.attempt > task.maxRetries;
      throw await noted(database, { id, model, isLast }, error as EmbeddingError);
    }
  },
});

/** So long one document holds a thread. What it has is kept, and it goes on behind the others. */
const TURN_MS = 60_000;

/** Says at the document what went wrong. @returns what the task is to throw */
async function noted(
  database: Pool,
  { id, model, isLast }: { id: string; model: string; isLast: boolean },
  error: EmbeddingError,
): Promise<Error> {
  const { isPassing, retryAfterSeconds, message } = error;
  if (!isPassing) {
    await noteFailedEmbedding(database, id, model, error, null);
    return new PermanentError(message, { cause: error });
  }
  if (retryAfterSeconds === null && isLast) {
    await noteFailedEmbedding(database, id, model, error, RETRY_SECONDS);
    return error;
  }
  await noteTrouble(database, id, error);
  return retryAfterSeconds === null
    ? error
    : new RetryAfter(Math.max(1, retryAfterSeconds), message, { cause: error });
}

/** An endpoint that has been away for all retries, some minutes, is not asked for each document again at once. */
const RETRY_SECONDS = 600;
