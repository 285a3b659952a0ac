import { waitFor } from '../../test/support/wait-for.ts';
import { percentile } from '../support/statistics.ts';
import type { Contender } from '../systems/contenders.ts';
import type { Hosted } from '../systems/hosted.ts';
import type { Paced } from '../systems/pace.ts';
import { Session } from '../systems/session.ts';
import { type Drained, toDrained } from './drain.ts';

export interface Latency {
  /** From the call of submit to the first line of the task, in milliseconds. */
  p50: number;
  p99: number;
  load: Load | null;
}

/** What was done beside: at which rate, and what it cost. */
export interface Load extends Drained {
  /** How many tasks had not been run in the end, if it were more than a tenth of a second's. */
  behind: number;
}

/**
 * Measures it with tasks that tell when they started, one at a time.
 * @param perSecond how many no-op tasks are submitted meanwhile
 */
export async function submitToStart(
  contender: Contender,
  perSecond: number,
  probes: number,
): Promise<Latency> {
  return Session.with(contender, async (session) => {
    const caller = await session.caller();
    const runner = await session.runner({ best: perSecond === 0 ? 'latency' : 'throughput' });
    await runner.ask('start');
    await caller.ask('probe', { from: 0, count: WARM_UP, pauseMs: 10 });
    if (perSecond > 0) {
      await caller.ask('startPace', perSecond);
      await caller.ask('probe', { from: WARM_UP, count: WARM_UP_UNDER_LOAD, pauseMs: 20 });
    }
    const from = WARM_UP + WARM_UP_UNDER_LOAD;
    const before = await look(session, runner);
    const submittedAt = await caller.ask('probe', { from, count: probes, pauseMs: 10 });
    const after = await look(session, runner);
    const paced = await caller.ask('endPace');
    const times = (await startsOf(runner, from, probes)).map(
      (startedAt, at) => Number(BigInt(startedAt) - BigInt(submittedAt[at] ?? 0)) / 1e6,
    );
    return {
      p50: percentile(times, 0.5),
      p99: percentile(times, 0.99),
      load:
        paced === undefined ? null : toLoad(before, after, behindOf(paced, after, from + probes, perSecond)),
    };
  });
}

const WARM_UP = 20;
/** Three seconds. */
const WARM_UP_UNDER_LOAD = 75;

interface Look {
  at: number;
  ended: number;
  nodeMs: number;
  storeMs: number;
}

async function look({ store }: Session, runner: Hosted): Promise<Look> {
  const [ended, nodeMs] = await Promise.all([runner.ask('ended'), runner.ask('cpuMs')]);
  return { at: performance.now(), ended, nodeMs, storeMs: store.cpuMs() };
}

function toLoad(before: Look, after: Look, behind: number): Load {
  const drained = toDrained(after.ended - before.ended, {
    ms: after.at - before.at,
    nodeMs: after.nodeMs - before.nodeMs,
    storeMs: after.storeMs - before.storeMs,
  });
  return { ...drained, behind };
}

/** Of a few it is not known whether they are late, or were submitted just now. */
function behindOf({ due }: Paced, { ended }: Look, probes: number, perSecond: number): number {
  const behind = due + probes - ended;
  return behind > perSecond / 10 ? behind : 0;
}

/** When all of them have started. */
function startsOf(runner: Hosted, from: number, count: number): Promise<string[]> {
  return waitFor(
    'the tasks to start',
    async () => {
      const starts = await runner.ask('starts');
      const found = Array.from({ length: count }, (_, at) => starts[from + at]);
      return found.every((start) => start !== undefined) ? (found as string[]) : null;
    },
    60_000,
  );
}
