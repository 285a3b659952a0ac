/*
 * What chunks are found by. PostgreSQL knows a word by the blanks around it: in scripts that are written without any,
 * two characters in a row are a word here (bigrams, as Lucene's CJKAnalyzer has them), and each by itself.
 */

/** Han, kana and Hangul, and the scripts of Thailand, Laos, Cambodia and Myanmar. */
const UNBROKEN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu;

/** A text as it is indexed: for `to_tsvector`. */
export function searchable(text: string): string {
  const alone = new Set<string>();
  const words = folded(text).replace(UNBROKEN, (run) => {
    const characters = [...run];
    for (const character of characters) alone.add(character);
    return ` ${bigrams(characters)} `;
  });
  // At the end: between the bigrams, these would tear phrases apart.
  return alone.size === 0 ? words : `${words} ${[...alone].join(' ')}`;
}

/**
 * What somebody is looking for, in the syntax of `websearch_to_tsquery`. Where blanks are not written, words are found
 * by a dictionary; what is in quotes has to be there as it is.
 */
export function searchQuery(q: string): string {
  return folded(q)
    .split('"')
    .map((part, index) =>
      index % 2 === 1 ? part.replace(UNBROKEN, asBigrams) : part.replace(RUN, asPhrases),
    )
    .join('"');
}

const RUN = new RegExp(`(-?)(${UNBROKEN.source})`, 'gu');

function asBigrams(run: string): string {
  return ` ${bigrams([...run])} `;
}

function asPhrases(_: string, minus: string, run: string): string {
  if (minus !== '') return ` -"${bigrams([...run])}" `;
  const words = [...segmenter.segment(run)].map(({ segment }) => [...segment]);
  const long = words.filter(({ length }) => length > 1);
  // A character alone is as common as "the"; unless there is nothing else.
  return ` ${(long.length > 0 ? long : words).map((word) => `"${bigrams(word)}"`).join(' ')} `;
}

const segmenter = new Intl.Segmenter('ja', { granularity: 'word' });

function bigrams(characters: readonly string[]): string {
  if (characters.length === 1) return characters[0] as string;
  return characters
    .slice(1)
    .map((character, at) => `${characters[at]}${character}`)
    .join(' ');
}

/** Ligatures, half-width and full-width forms and capitals as the plain letters; without hyphens that nobody sees. */
function folded(text: string): string {
  return text.normalize('NFKC').replaceAll('\u00ad', '').toLowerCase();
}
