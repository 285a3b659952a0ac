import { PermanentError } from '../../workers/define-task.ts';

/*
 * Why there is no text, in the words that end up in the task's and the document's `error`, and for programs as the
 * `code` of the attempt's error. No retry would help.
 */

type Code =
  | 'not_found'
  | 'empty'
  | 'wrong_type'
  | 'encrypted'
  | 'damaged'
  | 'no_text'
  | 'too_large'
  | 'no_reader';

function unreadable(code: Code, message: string): PermanentError {
  return Object.assign(new PermanentError(message), { code });
}

export function notFound(id: string): PermanentError {
  return unreadable('not_found', `there is no document ${id}`);
}

export function emptyFile(): PermanentError {
  return unreadable('empty', 'the document is empty: the file has no bytes');
}

/** @param article and the type's name, such as `a PDF` @param because what it lacks */
export function wrongType(article: string, because: string): PermanentError {
  return unreadable('wrong_type', `the document is not ${article}: ${because}`);
}

export function encrypted(): PermanentError {
  return unreadable('encrypted', 'the document is encrypted: a password is needed to open it');
}

/** @param reader who found out @param detail in its words */
export function damaged(reader: string, detail: string): PermanentError {
  return unreadable('damaged', `the document is damaged and cannot be read (${reader}: ${detail})`);
}

/** @param why there is not even OCR */
export function withoutTextLayer(pages: number, why = ''): PermanentError {
  const images = pages === 1 ? 'its page is' : `its ${pages} pages are`;
  const message = `the document has no text layer: ${images} images, as a scanner makes them${why}`;
  return unreadable('no_text', message);
}

export function withoutText(): PermanentError {
  return unreadable('no_text', 'the document has no text: there is nothing in it that can be read');
}

export function tooMuchText(maxBytes: number): PermanentError {
  const most = Math.round(maxBytes / 1024 / 1024);
  return unreadable('too_large', `the document holds more than ${most} MiB of text`);
}

/** @param what is too much */
export function tooLarge(what: string): PermanentError {
  return unreadable('too_large', `the document is too large: ${what}`);
}

export function nestedTooDeeply(): PermanentError {
  return unreadable('too_large', 'the document is nested too deeply to be read');
}

/** @param program and the Debian package that brings it */
export function withoutReader(type: string, program: string): PermanentError {
  return unreadable('no_reader', `${type} cannot be read: the runner's machine has no ${program}`);
}

/** Not permanent: the machine may have been busy. */
export function tookTooLong(reader: string, seconds: number): Error {
  return new Error(`${reader} did not finish within ${seconds} s`);
}
