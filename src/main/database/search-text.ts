/* What people type into a search field, as PostgreSQL is to understand it. */

/** A LIKE pattern for texts that contain this one as it is. */
export function containing(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}

/**
 * Patterns for JSON text that contains this text: as it stands there, and inside a string of it, where quotes,
 * backslashes and line ends are written otherwise.
 */
export function containingInJson(text: string): string[] {
  const escaped = JSON.stringify(text).slice(1, -1);
  return [...new Set([text, escaped])].map(containing);
}

/**
 * For `websearch_to_tsquery`, which takes any text but one: it fails with an internal error when minus signs, each of
 * which negates what follows, are piled up. Two without a letter or digit in between are no such sign.
 */
export function websearch(text: string): string {
  return text.replace(/-[^\p{L}\p{N}]*-/gu, ' ');
}

/**
 * Whether trigrams can find a text within others: it has three letters or digits in a row, or the beginning of a word,
 * or the end of one with two. Otherwise the index of pg_trgm is of no use.
 */
export function hasTrigrams(text: string): boolean {
  return TRIGRAM.test(text);
}

const TRIGRAM = /[\p{L}\p{N}]{3}|[^\p{L}\p{N}][\p{L}\p{N}]|[\p{L}\p{N}]{2}[^\p{L}\p{N}]/u;
