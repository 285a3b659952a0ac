import type { ChunkSize } from './chunk-text.ts';

/* Where a text may be cut. Everything looks at about one chunk, so that it costs the same everywhere. */

/**
 * Where the chunk that begins at `start` ends, blanks after it included: at the best boundary in the second half of
 * what it may hold.
 * @param to the end of the page
 */
export function endOfChunk(text: string, start: number, to: number, { characters }: ChunkSize): number {
  if (to - start <= characters) return to;
  const window = text.slice(start, Math.min(to, start + characters + AHEAD));
  const paragraph = window.lastIndexOf('\n\n', characters - 2) + 2;
  if (paragraph > (2 * characters) / 3) return start + paragraph;
  for (const lastUpTo of [lastSentence, lastLine, lastWord, lastGrapheme]) {
    const length = lastUpTo(window, characters);
    if (length > characters / 2) return start + length;
  }
  return start + wholePair(window, characters, -1);
}

/** So much is seen of what follows: whether a word goes on, or an accent comes, decides about the cut before it. */
const AHEAD = 32;

/**
 * Where the chunk after this one begins, at most `overlap` before its end: with a sentence where one begins in the first
 * half of that, else with a word, else with a grapheme.
 */
export function startOfNext(text: string, start: number, end: number, { overlap }: ChunkSize): number {
  if (overlap === 0 || overlap >= end - start) return end;
  const window = text.slice(start, end);
  const earliest = wholePair(window, window.length - overlap, 1);
  if (earliest === window.length) return end;
  const sentence = firstFrom(sentences, unwrapped(window), earliest);
  if (sentence <= window.length - overlap / 2) return start + sentence;
  const word = firstWord(window, earliest);
  if (word < window.length) return start + word;
  return start + firstFrom(graphemes, window, earliest);
}

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });
const words = new Intl.Segmenter('en', { granularity: 'word' });
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/* The last boundary of its kind that is not beyond `at`, or 0. */

function lastSentence(window: string, at: number): number {
  return lastOf(sentences, unwrapped(window), at);
}

function lastLine(window: string, at: number): number {
  return window.lastIndexOf('\n', at - 1) + 1;
}

function lastWord(window: string, at: number): number {
  const from = Math.max(0, at - LONGEST_WORD);
  const length = lastOf(words, window.slice(from, at + AHEAD), at - from);
  return length === 0 ? 0 : from + length;
}

function lastGrapheme(window: string, at: number): number {
  return lastOf(graphemes, window, at);
}

function lastOf(segmenter: Intl.Segmenter, window: string, at: number): number {
  return segmenter.segment(window).containing(at)?.index ?? 0;
}

/** In Chinese, Japanese and Thai words are looked up in a dictionary, from the first to the last: a chunk took 1 ms. */
const LONGEST_WORD = 128;

/** The end of the window when a word is longer than any. */
function firstWord(window: string, at: number): number {
  const from = Math.max(0, at - LONGEST_WORD);
  const to = at + LONGEST_WORD;
  const word = from + firstFrom(words, window.slice(from, to), at - from);
  return word < to ? word : window.length;
}

/** The first boundary that is not before `at`. */
function firstFrom(segmenter: Intl.Segmenter, window: string, at: number): number {
  const { index, segment } = segmenter.segment(window).containing(at) as Intl.SegmentData;
  return index === at ? at : index + segment.length;
}

/** Lines end where the paper does: to a sentence, one line end is a blank. Nothing moves. */
function unwrapped(window: string): string {
  return window.replace(/(?<!\n)\n(?!\n)/g, ' ');
}

/** `at`, or a step further when that is between two surrogates. */
function wholePair(text: string, at: number, step: 1 | -1): number {
  const isBetween = /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(at - 1, at + 1));
  return isBetween ? at + step : at;
}
