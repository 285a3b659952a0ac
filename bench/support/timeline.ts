/** What a runner has told, and when: milliseconds since 1970. All in the order of time. */
export interface Timeline {
  /** Tasks were claimed. */
  claims: number[];
  /** So many tasks were settled as completed. */
  completed: { at: number; count: number }[];
  /** What CPU time its process had used, its threads with it, in milliseconds; now and then. */
  cpu: { at: number; ms: number }[];
  /** It listens for notifications, for the first time or again. */
  listening: number[];
}

/** How many tasks were completed. */
export function countBetween({ completed }: Timeline, from: number, until: number): number {
  const within = completed.filter(({ at }) => at >= from && at < until);
  return within.reduce((sum, { count }) => sum + count, 0);
}

/** In milliseconds, as far as was told. */
export function cpuBetween({ cpu }: Timeline, from: number, until: number): number {
  const within = cpu.filter(({ at }) => at >= from && at < until);
  return (within.at(-1)?.ms ?? 0) - (within[0]?.ms ?? 0);
}

/** When the first task was completed after one was claimed: what was claimed before only had to be written. */
export function firstCompletion({ claims, completed }: Timeline, after: number): number | undefined {
  const claimedAt = claims.find((at) => at >= after);
  return claimedAt === undefined ? undefined : completed.find(({ at }) => at >= claimedAt)?.at;
}

export function firstListening({ listening }: Timeline, after: number): number | undefined {
  return listening.find((at) => at >= after);
}
