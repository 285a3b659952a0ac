import type { Row } from '../support/bench.ts';
import { medianRatio, spread } from '../support/statistics.ts';

/** A target that is a ratio of what was measured in the same rounds. */
export interface RatioTarget {
  what: string;
  ours: readonly number[];
  theirs: readonly number[];
  /** What `theirs` is. */
  than: string;
  target: { atLeast: number } | { atMost: number };
  digits?: number;
}

/** @returns nothing when there is nothing to compare with */
export function ratioRow({ what, ours, theirs, than, target, digits = 0 }: RatioTarget): Row[] {
  if (theirs.length === 0 || ours.length === 0) return [];
  const ratio = medianRatio(ours, theirs);
  const atLeast = 'atLeast' in target;
  const limit = atLeast ? target.atLeast : target.atMost;
  return [
    {
      what,
      target: `${atLeast ? '≥' : '≤'} ${limit} × ${than}`,
      measured: `${ratio.toFixed(2)} ×: ${spread(ours, digits)} to ${spread(theirs, digits)}`,
      met: atLeast ? ratio >= limit : ratio <= limit,
    },
  ];
}
