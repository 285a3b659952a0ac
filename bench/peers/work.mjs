// What the tasks of the benchmark do, for engines that run them in their own process, or in one of theirs.
import { setTimeout as sleep } from 'node:timers/promises';

/** By the name of the task. What one returns is its result. */
export const work = {
  'no-op'() {},

  /** So many steps of a random number generator (xorshift): the same as `bench/support/compute.ts`. */
  compute({ rounds }) {
    let x = 1;
    for (let round = 0; round < rounds; round++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
    }
    return x;
  },

  async hold({ ms }) {
    await sleep(ms);
  },

  'record-start'() {
    return String(process.hrtime.bigint());
  },

  'spin-if-told'({ spin }) {
    while (spin);
  },
};

/** The times of `record-start`, by number, for a system that runs tasks in its own process. */
export class Starts {
  times = {};

  /** @returns what the task's code returns */
  run(type, params) {
    const result = work[type](params);
    if (type === 'record-start') this.times[params.number] = result;
    return result;
  }
}
