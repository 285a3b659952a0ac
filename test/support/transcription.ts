import assert from 'node:assert/strict';
import { type Source, transcribe } from '../../src/tasks/documents/transcribe.ts';
import { makeTranscript, type Transcript } from '../../src/tasks/documents/transcript.ts';
import { PermanentError } from '../../src/workers/define-task.ts';
import { MEDIA_TYPES } from '../../src/workers/shared/document-type.ts';

/** Transcribes a file as the task does. */
export async function transcriptOf(
  type: keyof typeof MEDIA_TYPES,
  file: Buffer,
  { charset = null, timeoutSeconds = 60 }: { charset?: string | null; timeoutSeconds?: number } = {},
): Promise<Transcript> {
  const pieces: Source['pieces'] = async function* () {
    yield file;
  };
  const source = { mediaType: MEDIA_TYPES[type], charset, bytes: file.length, pieces };
  return makeTranscript(await transcribe(source, { signal: new AbortController().signal, timeoutSeconds }));
}

/** For `assert.rejects`: an error that no retry helps, for programs and for people. */
export function permanently(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof PermanentError, String(error));
    assert.equal((error as { code?: string }).code, code);
    assert.match(error.message, message);
    return true;
  };
}
