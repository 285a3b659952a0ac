import { setImmediate } from 'node:timers/promises';
import { getDocumentProxy } from 'unpdf';
import { inOnePart } from './in-one-part.ts';
import { MAX_TEXT_BYTES, type ReadingLimits } from './limits.ts';
import type { Reading } from './transcript.ts';
import { damaged, encrypted, tookTooLong, tooMuchText } from './unreadable.ts';

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

/**
 * Extracts text with the library `unpdf`, page by page, in this thread.
 * @param bytes the size of the file
 * @throws PermanentError when the file is encrypted, damaged or has too much text; another error, which a retry may
 *   help, when it takes too long
 */
export async function readWithUnpdf(
  bytes: number,
  pieces: AsyncIterable<Uint8Array>,
  limits: ReadingLimits,
): Promise<Reading> {
  const file = await inOnePart(bytes, pieces);
  const pdf = await understood(() => getDocumentProxy(new Uint8Array(file.buffer), { verbosity: SILENT }));
  try {
    return { pages: await readPages(pdf, limits), isPaged: true, transcribedBy: 'unpdf', warnings: [] };
  } finally {
    await pdf.destroy();
  }
}

/** pdf.js would print its warnings to standard output. */
const SILENT = 0;

async function readPages(pdf: Pdf, limits: ReadingLimits): Promise<string[]> {
  const { signal, timeoutSeconds, maxTextBytes = MAX_TEXT_BYTES, onPage } = limits;
  const deadline = performance.now() + timeoutSeconds * 1000;
  const pages: string[] = [];
  let characters = 0;
  for (let number = 1; number <= pdf.numPages; number += 1) {
    await setImmediate(); // Lets the signal in: everything else in this loop is microtasks.
    signal.throwIfAborted();
    if (performance.now() > deadline) throw tookTooLong('unpdf', timeoutSeconds);
    const page = await understood(() => readPage(pdf, number));
    characters += page.length;
    if (characters > maxTextBytes) throw tooMuchText(maxTextBytes);
    pages.push(page);
    if (number % PAGES_A_REPORT === 0) await onPage?.(number, pdf.numPages);
  }
  return pages;
}

const PAGES_A_REPORT = 10;

async function readPage(pdf: Pdf, number: number): Promise<string> {
  const page = await pdf.getPage(number);
  const { items } = await page.getTextContent();
  page.cleanup();
  return items.map((item) => ('str' in item ? `${item.str}${item.hasEOL ? '\n' : ''}` : '')).join('');
}

/** Tells what the library throws about the file from what is the machine's fault. */
async function understood<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { name, message } = error as Error;
    if (name === 'PasswordException') throw encrypted();
    if (name === 'RangeError') throw error; // No memory for a buffer.
    throw damaged('unpdf', message);
  }
}
