import { definePeriodicTask } from '../workers/define-task.ts';
import { dueFiles, isWhole, noteVerified } from './documents/verification.ts';

export default definePeriodicTask({
  description: 'Reads stored files again, each once a week, and compares them with what came in',
  emoji: '🔏',
  cron: '30 3 * * *',
  timeoutSeconds: 3600,
  async run({ database, log, progress, signal }) {
    const due = await dueFiles(database, MOST_FILES);
    const damaged: string[] = [];
    for (const [at, file] of due.entries()) {
      signal.throwIfAborted();
      if (await isWhole(database, file)) await noteVerified(database, file);
      else {
        damaged.push(file.document_id);
        log.error({ document_id: file.document_id, file_id: file.file_id }, 'a stored file is damaged');
      }
      await progress((at + 1) / due.length, `${at + 1} of ${due.length} files`);
    }
    if (damaged.length > 0) throw new Error(sentence(damaged));
    return { verified: due.length };
  },
});

/** A tick's worth. What is left over is the first of the next night. */
const MOST_FILES = 10_000;

/** The tick fails, each night again, until somebody has uploaded them anew or deleted them. */
function sentence(damaged: readonly string[]): string {
  const named = damaged.slice(0, 10).join(', ');
  const more = damaged.length > 10 ? ` and ${damaged.length - 10} more` : '';
  return `the stored files of these documents are not what was uploaded: ${named}${more}. Restore them from a backup, or delete the documents and upload them again`;
}
