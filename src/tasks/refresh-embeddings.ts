import { definePeriodicTask } from '../workers/define-task.ts';
import { embeddingsConfig } from '../workers/shared/embeddings/config.ts';
import { embedderOf } from '../workers/shared/embeddings/embedder.ts';
import { noteTask, unembeddedDocuments } from './documents/embeddings/unembedded.ts';

export default definePeriodicTask({
  description: 'Submits embed-document for documents without embeddings of the model that is configured',
  emoji: '🔄',
  every: '1 minute',
  missed: 'skip',
  timeoutSeconds: 60,
  async run({ signal, log, database, submit }) {
    const config = embeddingsConfig(process.env);
    if (config === null) return { skipped: 'EMBEDDINGS_URL is not set' };
    const embedder = embedderOf(config);
    const ids = await unembeddedDocuments(database, embedder.model, process.uptime(), MOST_UNDER_WAY);
    if (ids.length === 0) return { submitted: 0 };

    // One question that fails tells as much as a task for each document would.
    await embedder.embed(['Does the endpoint work?'], { timeoutMs: ANSWER_MS, signal });
    for (const id of ids) {
      const task = await submit('embed-document', { document_id: id }, { priority: AFTER_UPLOADS });
      await noteTask(database, id, task.id);
    }
    log.info({ documents: ids.length, model: embedder.model }, `embedding ${ids.length} documents anew`);
    return { submitted: ids.length };
  },
});

/** Another model means that all documents are embedded anew: a hundred a minute and more, beside everything else. */
const MOST_UNDER_WAY = 100;

const ANSWER_MS = 30_000;

const AFTER_UPLOADS = 50;
