import { z } from 'zod';
import { brandOf, defineDatabaseTask } from '../workers/define-task.ts';
import { CONVERSION_TIMEOUT_SECONDS, OCR_LANGUAGES } from './documents/limits.ts';
import { beginTranscription, keepTranscript, noteFailure, transaction } from './documents/stored-document.ts';
import { transcribe } from './documents/transcribe.ts';
import { makeTranscript } from './documents/transcript.ts';

export default defineDatabaseTask({
  description: 'Extracts the text of an uploaded document',
  emoji: '📄',
  payload: z.object({ document_id: z.uuid() }),
  // The conversion stops itself before that; the rest is for reading the file and storing the text. OCR takes a few
  // seconds a page.
  timeoutSeconds: CONVERSION_TIMEOUT_SECONDS + (OCR_LANGUAGES === undefined ? 60 : 3600),
  retry: { strategy: 'exponential', seconds: 5 },
  deduplicate: 'payload',
  async run({ payload, signal, log, progress, database, complete }) {
    const id = payload.document_id;
    const document = await beginTranscription(database, id);
    log.info({ document_id: id, bytes: document.bytes }, `transcribing ${document.title}`);
    try {
      await progress(0.05, 'extracting the text');
      const reading = await transcribe(document, {
        signal,
        timeoutSeconds: CONVERSION_TIMEOUT_SECONDS,
        onPage: (page, pages) => progress(0.05 + (0.85 * page) / pages, `page ${page} of ${pages}`),
      });
      const transcript = makeTranscript(reading);
      for (const warning of transcript.warnings) log.warn(warning);

      const { pages, characters, words, transcribedBy } = transcript;
      await progress(0.9, `storing ${characters} characters`);
      await transaction(database, async (client) => {
        await keepTranscript(client, id, transcript);
        await complete(client, { pages, characters, words, transcribed_by: transcribedBy });
      });
      log.info({ pages, characters, words }, `transcribed by ${transcribedBy}`);
    } catch (error) {
      if (brandOf(error) === 'PermanentError') await noteFailure(database, id, error as Error);
      throw error;
    }
  },
});
