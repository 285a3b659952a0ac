import { PermanentError } from '../../workers/define-task.ts';

/* Why there is no text, in the words that end up in the task's and the document's `error`. No retry would help. */

export function notFound(id: string): PermanentError {
  return new PermanentError(`there is no document ${id}`);
}

export function emptyFile(): PermanentError {
  return new PermanentError('the document is empty: the file has no bytes');
}

export function notAPdf(): PermanentError {
  return new PermanentError('the document is not a PDF: it does not begin with %PDF-');
}

export function encrypted(): PermanentError {
  return new PermanentError('the document is encrypted: a password is needed to open it');
}

/** @param reader who found out @param detail in its words */
export function damaged(reader: string, detail: string): PermanentError {
  return new PermanentError(`the document is damaged and cannot be read (${reader}: ${detail})`);
}

export function withoutTextLayer(pages: number): PermanentError {
  return new PermanentError(
    `the document has no text layer: its ${pages === 1 ? 'page is' : `${pages} pages are`} images, as a scanner makes them`,
  );
}

export function tooMuchText(maxBytes: number): PermanentError {
  return new PermanentError(`the document holds more than ${Math.round(maxBytes / 1024 / 1024)} MiB of text`);
}

/** Not permanent: the machine may have been busy. */
export function tookTooLong(reader: string, seconds: number): Error {
  return new Error(`${reader} did not finish within ${seconds} s`);
}
