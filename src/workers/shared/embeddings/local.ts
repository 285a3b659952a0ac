import { searchable } from '../search-terms.ts';

/** What the embeddings of this file are called: their number says how many dimensions there are. */
export const LOCAL_MODEL = 'local-hash-384';

const DIMENSIONS = 384;

/**
 * A vector of the words of a text, of its pairs of words, and of all that three letters in a row make: each is hashed to
 * a dimension and a sign (Weinberger et al., "Feature hashing for large scale multitask learning", 2009).
 *
 * It is lexical: texts are near each other when they have words, or parts of words, in common. It knows no synonyms and
 * no meaning.
 */
export function localEmbedding(text: string): Float32Array {
  const counts = new Map<string, number>();
  const count = (feature: string) => counts.set(feature, (counts.get(feature) ?? 0) + 1);
  let before = '';
  for (const [word] of searchable(text).matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    count(word);
    if (before !== '') count(`${before} ${word}`);
    before = word;
    const letters = `<${word}>`;
    for (let at = 0; at + 3 <= letters.length; at += 1) count(`#${letters.slice(at, at + 3)}`);
  }
  const vector = new Float32Array(DIMENSIONS);
  for (const [feature, times] of counts) {
    const hash = fnv1a(feature);
    const at = hash % DIMENSIONS;
    // A word that is there ten times does not say ten times as much.
    const weight = Math.sqrt(times) * (feature.startsWith('#') ? LETTERS_WEIGHT : 1);
    vector[at] = (vector[at] as number) + (hash >>> 31 === 0 ? weight : -weight);
  }
  return vector;
}

/** A word has as many of them as letters. */
const LETTERS_WEIGHT = 0.4;

/** FNV-1a of 32 bits, over UTF-16 units; its last step mixes the high bits, of which one is the sign. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
