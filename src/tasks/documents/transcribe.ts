import { MEDIA_TYPES, type MediaType } from '../../workers/shared/document-type.ts';
import { inOnePart } from './in-one-part.ts';
import { MAX_TEXT_BYTES, type ReadingLimits } from './limits.ts';
import { transcribePdf } from './transcribe-pdf.ts';
import type { Reading } from './transcript.ts';
import { emptyFile, tooMuchText, wrongType } from './unreadable.ts';

/** A file, and what is known of it. */
export interface Source {
  mediaType: string;
  /** How its sender says that text is encoded. */
  charset: string | null;
  bytes: number;
  /** Reads it, from its beginning at each call. */
  pieces: () => AsyncIterable<Uint8Array>;
}

/**
 * Extracts the text of a file with what is best for its type.
 * @throws PermanentError when it cannot be read, and no retry would help; other errors when one may
 */
export async function transcribe(source: Source, limits: ReadingLimits): Promise<Reading> {
  const { mediaType, bytes, pieces } = source;
  if (mediaType === MEDIA_TYPES.pdf) return transcribePdf(bytes, pieces, limits);
  const read = READERS[mediaType as Exclude<MediaType, 'application/pdf'>];
  if (read === undefined) throw wrongType('of a type that can be read', mediaType);
  if (bytes === 0) throw emptyFile();
  const file = await inOnePart(bytes, pieces());
  limits.signal.throwIfAborted();
  return read(file, limits, source.charset);
}

type Read = (file: Buffer, limits: ReadingLimits, charset: string | null) => Promise<Reading>;

/** Each loads its libraries when it is first needed: most threads never need most of them. */
const READERS: Record<Exclude<MediaType, 'application/pdf'>, Read> = {
  [MEDIA_TYPES.docx]: async (file, limits) => (await import('./docx.ts')).readDocx(file, limits),
  [MEDIA_TYPES.odt]: async (file, limits) => (await import('./office.ts')).readOdt(file, limits),
  [MEDIA_TYPES.doc]: async (file, limits) => (await import('./office.ts')).readDoc(file, limits),
  [MEDIA_TYPES.rtf]: async (file, limits) => (await import('./office.ts')).readRtf(file, limits),
  [MEDIA_TYPES.html]: async (file, limits, charset) => {
    const { readHtml } = await import('./html.ts');
    return asReading('html-to-text', readHtml(file, charset), limits);
  },
  [MEDIA_TYPES.text]: async (file, limits, charset) => {
    const { decodeText } = await import('./text.ts');
    return asReading('decoding', decodeText(file, charset), limits);
  },
};

function asReading(
  transcribedBy: string,
  { text, warnings }: { text: string; warnings: string[] },
  { maxTextBytes = MAX_TEXT_BYTES }: ReadingLimits,
): Reading {
  if (text.length > maxTextBytes) throw tooMuchText(maxTextBytes);
  return { pages: [text], isPaged: false, transcribedBy, warnings };
}
