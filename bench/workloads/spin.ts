import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, HEDDLE } from '../systems/contenders.ts';
import { Session } from '../systems/session.ts';
import { takeTurns, toEntry } from './turns.ts';
import type { Context, Outcome } from './workload.ts';

/** One of eight tasks, the first, spins for ever. Its timeout is two seconds, where an engine has timeouts. */
export async function spin({ contenders, say }: Context): Promise<Outcome> {
  const turns = contenders.map((contender) => ({
    key: contender.name,
    label: contender.title,
    isOurs: contender === HEDDLE,
    measure: () => measure(contender),
  }));
  const tell = ({ others, endedMs }: Spun) => `${others} of 7 others, ${tellEnd(endedMs)}`;
  const taken = await takeTurns(turns, 1, say, tell);
  return {
    comparisons: [
      {
        name: 'spin',
        title: 'One of eight tasks spins: how many of the other seven are settled',
        unit: 'tasks',
        better: 'higher',
        hasRatios: false,
        entries: taken.map((each) =>
          toEntry(
            each,
            ({ others }) => others,
            ([spun]) => ({ 'the one that spins': tellEnd(spun?.endedMs ?? null) }),
          ),
        ),
        note: `After ${WAITED_MS / 1000} s, by what the store says. The task that spins has a timeout of 2 s in Heddle, pg-boss and DBOS; graphile-worker and BullMQ have none.`,
      },
    ],
    rows: [],
  };
}

interface Spun {
  /** How many of the other seven tasks are settled. */
  others: number;
  /** When the one that spins was, or null when that never happened. */
  endedMs: number | null;
}

const WAITED_MS = 5000;

function tellEnd(endedMs: number | null): string {
  return endedMs === null ? 'spins on' : `ended after ${(endedMs / 1000).toFixed(1)} s`;
}

async function measure(contender: Contender): Promise<Spun> {
  return Session.with(contender, async (session) => {
    const caller = await session.caller();
    const runner = await session.runner({ best: 'latency' });
    await runner.ask('start');
    const eight = (spins: boolean) =>
      Array.from(
        { length: 8 },
        (_, place) => ({ type: 'spin-if-told', params: { spin: spins && place === 0 } }) as const,
      );
    await caller.ask('submit', eight(false));
    await runner.ask('until', 8);
    while ((await caller.ask('left')) > 0) await sleep(20);
    // From here on the runner may be deaf: what has happened is asked of its store.
    await caller.ask('submit', eight(true));
    const startedAt = performance.now();
    let left = 8;
    let endedMs: number | null = null;
    for (; endedMs === null && performance.now() - startedAt < WAITED_MS; await sleep(20)) {
      left = await caller.ask('left');
      if (left === 0) endedMs = performance.now() - startedAt;
    }
    return { others: endedMs === null ? 8 - left : 7, endedMs };
  });
}
