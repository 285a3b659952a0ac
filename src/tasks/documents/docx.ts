import mammoth from 'mammoth';
import { inspectArchive } from './archive.ts';
import { htmlToText } from './html.ts';
import { readWithLibreOffice } from './libreoffice.ts';
import type { ReadingLimits } from './limits.ts';
import type { Reading } from './transcript.ts';
import { wrongType } from './unreadable.ts';

/**
 * Extracts the text of a DOCX: with `mammoth`, and with LibreOffice when that fails or would need too much memory.
 * @throws PermanentError when it is no DOCX, damaged, encrypted or a ZIP bomb
 */
export async function readDocx(file: Buffer, limits: ReadingLimits): Promise<Reading> {
  const { sizes } = await inspectArchive(file);
  const main = [...sizes.keys()].find((name) => MAIN_PART.test(name));
  if (main === undefined) throw wrongType('a DOCX', 'the archive has no word/document.xml');
  if ((sizes.get(main) ?? 0) > MOST_BYTES_OF_MAMMOTH) return readWithLibreOffice('docx', file, limits);
  try {
    return await readWithMammoth(file);
  } catch (error) {
    limits.signal.throwIfAborted();
    return readWithLibreOffice('docx', file, limits, (error as Error).message);
  }
}

/** Some programs count their parts. */
const MAIN_PART = /^word\/document\d*\.xml$/;

/** What it makes of a part takes many times as much memory, of this thread's. LibreOffice has its own. */
const MOST_BYTES_OF_MAMMOTH = 8 * 1024 * 1024;

/** By way of HTML: its own plain text lacks footnotes. */
async function readWithMammoth(file: Buffer): Promise<Reading> {
  const { value, messages } = await mammoth.convertToHtml({ buffer: file }, { convertImage: NO_IMAGES });
  const warnings = messages.filter(({ type }) => type === 'error').map(({ message }) => message);
  return { pages: [htmlToText(value)], isPaged: false, transcribedBy: 'mammoth', warnings };
}

/** They would be encoded into the HTML. */
const NO_IMAGES = mammoth.images.imgElement(async () => ({ src: '' }));
