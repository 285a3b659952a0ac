import { z } from 'zod';
import { defineDatabaseTask } from '../workers/define-task.ts';
import { CHUNK_SIZE } from './documents/chunks/chunk-size.ts';
import { type Chunk, chunkText } from './documents/chunks/chunk-text.ts';
import { beginChunking, dropChunks, keepChunkCount, keepChunks } from './documents/chunks/stored-chunks.ts';
import { transaction } from './documents/stored-document.ts';

export default defineDatabaseTask({
  description: 'Cuts the text of a document into chunks, by which it is found',
  emoji: '✂️',
  payload: z.object({ document_id: z.uuid() }),
  retry: { strategy: 'exponential', seconds: 5 },
  deduplicate: 'payload',
  async run({ payload, signal, log, progress, database, complete }) {
    const id = payload.document_id;
    const text = await beginChunking(database, id);
    // In one transaction: a search finds the chunks as they were, or as they will be.
    await transaction(database, async (client) => {
      await dropChunks(client, id);
      let chunks = 0;
      for (const batch of batchesOf(chunkText(text, CHUNK_SIZE))) {
        signal.throwIfAborted();
        await keepChunks(client, id, text, chunks, batch);
        chunks += batch.length;
        await progress((batch.at(-1) as Chunk).end / text.length, `${chunks} chunks`);
      }
      await keepChunkCount(client, id, chunks);
      await complete(client, { chunks });
      log.info({ document_id: id, characters: text.length, chunks }, `cut into ${chunks} chunks`);
    });
  },
});

/** Most of the time goes into their words: a quarter of a second a batch. */
const BATCH = 200;

function* batchesOf(chunks: Iterable<Chunk>): Generator<Chunk[]> {
  let batch: Chunk[] = [];
  for (const chunk of chunks) {
    batch.push(chunk);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
