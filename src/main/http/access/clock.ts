/** Milliseconds that only go up, from any beginning. */
export type Clock = () => number;

/** Not the wall clock: nobody's limit ends early because somebody has set the time. */
export const monotonic: Clock = () => performance.now();
