import { type Bare, startBare, throughBare } from '../support/bare.ts';
import { roundsIn } from '../support/compute.ts';
import { THREADS } from '../support/task-types.ts';
import { type Contender, HEDDLE } from '../systems/contenders.ts';
import { Session } from '../systems/session.ts';
import { takeTurns, toEntry, valuesOf } from './turns.ts';
import { ratioRow } from './verdict.ts';
import type { Context, Outcome } from './workload.ts';

/** Tasks that only compute, beside bare processes that do the same without an engine. */
export async function cpu({ contenders, rounds, quick, say }: Context): Promise<Outcome> {
  const tasks = quick ? 16 : 64;
  const steps = roundsIn(TASK_MS);
  const bare = await startBare(steps);
  try {
    const turns = [
      ...contenders.map((contender) => ({
        key: contender.name,
        label: contender.title,
        isOurs: contender === HEDDLE,
        measure: () => throughSystem(contender, tasks, steps),
      })),
      { key: 'bare', label: BARE, isOurs: false, measure: () => throughBareOnce(bare, tasks) },
    ];
    const taken = await takeTurns(turns, rounds, say, (ms) => `${Math.round(ms).toLocaleString('en')} ms`);
    const timesOf = (key: string) => valuesOf(taken, key, (ms: number) => ms);
    return {
      comparisons: [
        {
          name: 'cpu',
          title: `${tasks} tasks of ${TASK_MS} ms CPU`,
          unit: 'ms',
          better: 'lower',
          entries: taken.map((each) => toEntry(each, (ms) => ms)),
          note: `From submit to the last settle, when everything is warm. Heddle has ${THREADS} threads, and so has BullMQ's sandbox; the others compute in the one thread of their process.`,
        },
      ],
      rows: ratioRow({
        what: `${tasks} tasks of ${TASK_MS} ms CPU on ${THREADS} threads: ms`,
        ours: timesOf(HEDDLE.name),
        theirs: timesOf('bare'),
        than: BARE,
        target: { atMost: 1.05 },
      }),
    };
  } finally {
    for (const child of bare) child.disconnect();
  }
}

const TASK_MS = 50;
const BARE = 'two bare processes';

/** In milliseconds. */
async function throughSystem(contender: Contender, tasks: number, steps: number): Promise<number> {
  return Session.with(contender, async (session) => {
    const caller = await session.caller();
    const runner = await session.runner({ best: 'throughput' });
    await runner.ask('start');
    const compute = (count: number) =>
      Array.from({ length: count }, () => ({ type: 'compute', params: { rounds: steps } }) as const);
    const warm = 2 * THREADS;
    await caller.ask('submit', compute(warm));
    await runner.ask('until', warm);
    const startedAt = performance.now();
    await caller.ask('submit', compute(tasks));
    await runner.ask('until', warm + tasks);
    return performance.now() - startedAt;
  });
}

async function throughBareOnce(bare: Bare, tasks: number): Promise<number> {
  await throughBare(bare, 2 * THREADS);
  return throughBare(bare, tasks);
}
