import { endOfChunk, startOfNext } from './boundaries.ts';

/** A part of a text: `text.slice(start, end)`. Offsets are in UTF-16 units. */
export interface Chunk {
  start: number;
  end: number;
  /** Counted from 1. */
  page: number;
}

/** How large chunks are, in UTF-16 units. */
export interface ChunkSize {
  /** The most of a chunk; at least 2, so that every character fits. */
  characters: number;
  /** The most that two neighbours share; less than half of `characters`, so that each chunk brings something new. */
  overlap: number;
}

/**
 * Cuts a text into chunks that overlap: every character that is not blank is in one of them, in the order of the text.
 * A chunk never goes beyond its page, and begins and ends with something that is not blank. It ends with a paragraph or
 * a sentence where one ends in its second half, else with a line or a word, else with a character as a reader sees it
 * (a grapheme cluster); one that alone is longer than half a chunk is cut, but never between two surrogates.
 *
 * The same text and size give the same chunks. Takes time in proportion to the text, whatever is in it.
 * @param text pages separated by form feeds
 * @throws RangeError when the size makes no sense
 */
export function* chunkText(text: string, size: ChunkSize): Generator<Chunk> {
  const { characters, overlap } = size;
  if (!(characters >= 2 && overlap >= 0 && overlap < characters / 2))
    throw new RangeError(`chunks of ${characters} characters cannot overlap by ${overlap}`);
  let page = 1;
  for (let from = 0; from <= text.length; page += 1) {
    const formFeed = text.indexOf('\f', from);
    const to = formFeed === -1 ? text.length : formFeed;
    yield* chunksOfPage(text, { page, from, to }, size);
    from = to + 1;
  }
}

interface Page {
  page: number;
  from: number;
  to: number;
}

function* chunksOfPage(text: string, { page, from, to }: Page, size: ChunkSize): Generator<Chunk> {
  let start = skipBlanks(text, from, to);
  while (start < to) {
    const end = dropBlanks(text, start, endOfChunk(text, start, to, size));
    yield { start, end, page };
    const rest = skipBlanks(text, end, to);
    if (rest === to) return;
    const shared = skipBlanks(text, startOfNext(text, start, end, size), to);
    // After a long gap the overlap would fill the next chunk, and nothing new would fit.
    start = rest - shared < size.characters / 2 ? shared : rest;
  }
}

function skipBlanks(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(text, at)) at += 1;
  return at;
}

function dropBlanks(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && isBlank(text, at - 1)) at -= 1;
  return at;
}

function isBlank(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit < 128 ? unit === 32 || (unit >= 9 && unit <= 13) : BLANK.test(text.charAt(at));
}

/** No blank is outside of the basic plane: half a surrogate pair is none. */
const BLANK = /\s/;
