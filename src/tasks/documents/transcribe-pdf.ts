import { OCR_LANGUAGES, type ReadingLimits } from './limits.ts';
import { readScan } from './ocr.ts';
import { readWithPdftotext } from './pdftotext.ts';
import { hasText, type Reading } from './transcript.ts';
import { readWithUnpdf } from './unpdf.ts';
import { emptyFile, wrongType } from './unreadable.ts';

/**
 * Extracts the text of a PDF: with `pdftotext` where the machine has it, else with `unpdf`, which is several times
 * slower and needs the whole file in memory. A scan has none: it is read by OCR if that is asked for.
 * @param bytes the size of the file
 * @param pieces reads the file, from its beginning at each call
 * @throws PermanentError when the file is empty, not a PDF, encrypted, damaged or has too much text
 */
export async function transcribePdf(
  bytes: number,
  pieces: () => AsyncIterable<Uint8Array>,
  limits: ReadingLimits,
  ocrLanguages = OCR_LANGUAGES,
): Promise<Reading> {
  await checkBeginning(bytes, pieces());
  const reading =
    (await readWithPdftotext(pieces(), limits)) ?? (await readWithUnpdf(bytes, pieces(), limits));
  if (ocrLanguages === undefined || hasText(reading)) return reading;
  return readScan(pieces(), reading.pages.length, ocrLanguages, limits);
}

/** The name of a file says nothing about what is in it. */
async function checkBeginning(bytes: number, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  if (bytes === 0) throw emptyFile();
  for await (const piece of pieces) {
    // As readers do: some programs write a line before it.
    if (!Buffer.from(piece.subarray(0, 1024)).includes('%PDF-')) {
      throw wrongType('a PDF', 'it does not begin with %PDF-');
    }
    return;
  }
}
