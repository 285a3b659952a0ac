/** The longest a conversion may take. The configuration has checked the variable before any task is loaded. */
export const CONVERSION_TIMEOUT_SECONDS = Number(process.env.CONVERSION_TIMEOUT_SECONDS?.trim() || 120);

/** In which languages a scan is to be read, as tesseract names them: `eng+deu`. Without it, none is. */
export const OCR_LANGUAGES = process.env.OCR_LANGUAGES?.trim() || undefined;

/** The most text of one document, some ten thousand pages: a thread's heap holds it several times. */
export const MAX_TEXT_BYTES = 32 * 1024 * 1024;

/** What a reader has to keep to. */
export interface ReadingLimits {
  signal: AbortSignal;
  timeoutSeconds: number;
  maxTextBytes?: number;
  /** Told now and then how far the reading is, by readers that know. */
  onPage?: (page: number, pages: number) => Promise<void>;
}
