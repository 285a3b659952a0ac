import type { RetentionGroup } from './retention.ts';
import type { SmallSteps } from './small-steps.ts';
import { BATCH, PRUNE_COMPLETED, pruneEndedBadly } from './sql/prune.ts';

/**
 * Finds finished tasks that are kept no longer, and deletes them, round by round. What the cutoff has passed since the
 * last round is walked first, and only then: most tasks finish soon after their creation, so that these are the ones
 * that expire. The others are found by going over the rest again and again, a part of it in each round: of a small
 * table all. Why they are walked is told where the statements are.
 */
export class ExpiredTasks {
  readonly #steps: SmallSteps;
  readonly #walks = new Map<string, Walk>();

  constructor(steps: SmallSteps) {
    this.#steps = steps;
  }

  /** One round over a group. @returns how many it has deleted */
  async deleteOf(group: RetentionGroup): Promise<number> {
    const walk = this.#walkOf(group);
    const isFirst = walk.front === FIRST_ID;
    const reached = await this.#walkFrom(walk.front, group, MOST_STAYING);
    walk.front = (reached.ended ? reached.soon : null) ?? reached.last;
    if (isFirst || !reached.ended) return reached.deleted;
    const again = await this.#walkFrom(walk.again, group, MOST_STAYING_AGAIN);
    walk.again = again.ended ? FIRST_ID : again.last;
    return reached.deleted + again.deleted;
  }

  /** A group whose types have changed begins anew. */
  #walkOf(group: RetentionGroup): Walk {
    const key = JSON.stringify(group);
    const walk = this.#walks.get(key) ?? { front: FIRST_ID, again: FIRST_ID };
    this.#walks.set(key, walk);
    return walk;
  }

  /** @param mostStaying ends after so many ids that stay */
  async #walkFrom(
    from: string,
    { ended, days, types, these }: RetentionGroup,
    mostStaying: number,
  ): Promise<Walked> {
    const statement = ended === 'completed' ? PRUNE_COMPLETED : pruneEndedBadly(ended);
    const walked: Walked = { last: from, soon: null, deleted: 0, ended: false };
    let staying = 0;
    while (!this.#steps.stopped && !walked.ended && staying < mostStaying) {
      const step = await this.#steps.run<Step>(statement, [walked.last, seconds(days), types, these]);
      walked.deleted += step.deleted;
      walked.last = step.last ?? walked.last;
      walked.soon ??= step.soon;
      walked.ended = step.walked < BATCH;
      staying += step.walked - step.deleted;
    }
    return walked;
  }
}

/** Where the rounds of a group are. */
interface Walk {
  /** The id up to which everything was walked once. */
  front: string;
  /** The id up to which the rest was walked again. */
  again: string;
}

interface Walked {
  /** The last id, or where it began. */
  last: string;
  /** The first id of a task that expires soon. */
  soon: string | null;
  deleted: number;
  /** Nothing is left to walk. */
  ended: boolean;
}

interface Step {
  last: string | null;
  soon: string | null;
  walked: number;
  deleted: number;
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** Some hundred statements' worth, a few seconds of work: pruning is late rather than a load. */
const MOST_STAYING = 200_000;
const MOST_STAYING_AGAIN = 20_000;

/** A retention beyond this is as good as for ever, and would be before 1970. */
function seconds(days: number): number {
  return Math.min(days, 18_000) * 86_400;
}
