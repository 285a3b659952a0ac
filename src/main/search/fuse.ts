/** Something that was found, and how well: only good for comparing within one answer. */
export interface Fused {
  id: string;
  score: number;
}

/**
 * One ranking of several, the best first, by reciprocal rank fusion: each ranking gives what it has at rank r
 * 1 / (k + r) points. Ranks can be added up where the scores of words and of vectors cannot (Cormack, Clarke and Büttcher,
 * "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009, with their k = 60).
 * @param rankings ids, the best first
 */
export function fuse(rankings: readonly (readonly string[])[]): Fused[] {
  const scores = new Map<string, number>();
  for (const ranking of rankings) {
    for (const [at, id] of ranking.entries()) scores.set(id, (scores.get(id) ?? 0) + 1 / (K + at + 1));
  }
  // What is equal stays in the order of the rankings.
  return [...scores].map(([id, score]) => ({ id, score })).sort((a, b) => b.score - a.score);
}

const K = 60;
