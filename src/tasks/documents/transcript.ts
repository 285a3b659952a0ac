import { withoutText, withoutTextLayer } from './unreadable.ts';

/** What a reader found, as it came. */
export interface Reading {
  /** The text of each page; of a format without pages, all of it. */
  pages: string[];
  isPaged: boolean;
  /** The program or library. */
  transcribedBy: string;
  /** What the reader complained of although it succeeded. */
  warnings: string[];
}

/** What is kept of a document. */
export interface Transcript {
  /** Pages separated by form feeds, and nothing in it that PostgreSQL cannot hold. */
  text: string;
  /** `null` when the format has none. */
  pages: number | null;
  /** In UTF-16 units. */
  characters: number;
  words: number;
  transcribedBy: string;
  warnings: string[];
}

/**
 * Makes the text that is kept.
 * @throws PermanentError when there is next to no text: a scanned document is no empty success
 */
export function makeTranscript(reading: Reading): Transcript {
  const pages = reading.pages.map(clean);
  const text = pages.join('\f');
  if (!hasText(reading)) throw reading.isPaged ? withoutTextLayer(pages.length) : withoutText();
  return {
    text,
    pages: reading.isPaged ? pages.length : null,
    characters: text.length,
    words: count(text, /\S+/g),
    transcribedBy: reading.transcribedBy,
    warnings: reading.warnings,
  };
}

/** Whether there is more than next to nothing. */
export function hasText({ pages, isPaged }: Reading): boolean {
  const fewest = isPaged ? FEWEST_MARKS_A_PAGE * pages.length : 1;
  let marks = 0;
  for (const page of pages) marks += count(page, /[^\s\p{Cc}]/gu);
  return marks >= fewest;
}

/** On average. A scan may still have a page number or a stamp that is text. */
const FEWEST_MARKS_A_PAGE = 3;

/**
 * Without control characters: PostgreSQL refuses NUL, a form feed inside a page would look like another page, and
 * readers leave the others where a font has a glyph of no meaning. Half surrogate pairs become U+FFFD.
 */
function clean(page: string): string {
  return page
    .replace(/\r\n?/g, '\n')
    .replace(/\f/g, ' ')
    .replace(/(?![\t\n])\p{Cc}/gu, '')
    .toWellFormed();
}

function count(text: string, pattern: RegExp): number {
  let found = 0;
  for (const _ of text.matchAll(pattern)) found += 1;
  return found;
}
