import type { Row } from '../support/bench.ts';
import { median } from '../support/statistics.ts';
import { type Contender, GRAPHILE, HEDDLE, SANDBOXED, SQL_ALONE } from '../systems/contenders.ts';
import { Session } from '../systems/session.ts';
import { type Taken, takeTurns, toEntry, valuesOf } from './turns.ts';
import { ratioRow } from './verdict.ts';
import { AT_ONCE, type Comparison, type Context, NO_OP, type Outcome } from './workload.ts';

/** No-op tasks that are all there, from the start of what runs them until the last is settled. */
export async function drain(context: Context): Promise<Outcome> {
  const outcome: Outcome = { comparisons: [], rows: [] };
  for (const tasks of context.quick ? [5000] : [20_000, 100_000]) {
    const taken = await drainInTurns(tasks, context);
    outcome.comparisons.push(toComparison(tasks, taken));
    outcome.rows.push(...toRows(tasks, taken));
  }
  return outcome;
}

export interface Drained {
  perSecond: number;
  /** CPU for each task, in microseconds: of the processes that run, and of the server of the store. */
  nodeMicroseconds: number;
  storeMicroseconds: number;
}

/** In a store of its own. */
export async function drainOnce(contender: Contender, tasks: number): Promise<Drained> {
  return Session.with(contender, async (session) => {
    await submitNoOps(session, tasks);
    const runner = await session.runner({ best: 'throughput' });
    const storeBefore = session.store.cpuMs();
    const { ms, cpuMs } = await runner.ask('drain', tasks);
    const storeMs = session.store.cpuMs() - storeBefore;
    return toDrained(tasks, { ms, nodeMs: cpuMs, storeMs });
  });
}

/** By a process that ends afterwards. Then the store is tidied up. */
export async function submitNoOps(session: Session, tasks: number): Promise<void> {
  const caller = await session.caller();
  await caller.ask('submitMany', { task: NO_OP, count: tasks, atOnce: AT_ONCE });
  await session.dismiss(caller);
  await session.store.tidy();
}

export function toDrained(
  tasks: number,
  { ms, nodeMs, storeMs }: Record<'ms' | 'nodeMs' | 'storeMs', number>,
): Drained {
  const each = (spentMs: number) => (spentMs * 1000) / tasks;
  return {
    perSecond: (tasks * 1000) / ms,
    nodeMicroseconds: each(nodeMs),
    storeMicroseconds: each(storeMs),
  };
}

export function tellDrained({ perSecond, nodeMicroseconds, storeMicroseconds }: Drained): string {
  return `${Math.round(perSecond).toLocaleString('en')} tasks/s, CPU each: ${nodeMicroseconds.toFixed(1)} µs Node, ${storeMicroseconds.toFixed(1)} µs store`;
}

/** Columns. */
export function cpuOf(drained: readonly Drained[]): Record<string, string> {
  const of = (value: (one: Drained) => number) => median(drained.map(value)).toFixed(0);
  return {
    'CPU in Node, µs a task': of(({ nodeMicroseconds }) => nodeMicroseconds),
    'CPU of the store, µs a task': of(({ storeMicroseconds }) => storeMicroseconds),
  };
}

/** Who can only do less of it took part in a smaller one. */
const LEAST_SHARE = 0.2;

async function drainInTurns(tasks: number, context: Context): Promise<Taken<Drained>[]> {
  const { contenders, rounds, say, drained } = context;
  const fastEnough = [...contenders, SQL_ALONE].filter(({ most }) => most >= tasks * LEAST_SHARE);
  const turns = fastEnough.map((contender) => {
    const count = Math.min(tasks, contender.most);
    const fewer = count < tasks ? `, ${count.toLocaleString('en')} tasks` : '';
    return {
      key: contender.name,
      label: contender.title + fewer,
      isOurs: contender === HEDDLE,
      measure: async () => {
        const measured = await drainOnce(contender, count);
        drained.set(contender.name, measured.perSecond);
        return measured;
      },
    };
  });
  return takeTurns(turns, rounds, say, tellDrained);
}

function toComparison(tasks: number, taken: readonly Taken<Drained>[]): Comparison {
  return {
    name: `drain-${tasks}`,
    title: `Draining ${tasks.toLocaleString('en')} no-op tasks`,
    unit: 'tasks/s',
    better: 'higher',
    entries: taken.map((each) => toEntry(each, ({ perSecond }) => perSecond, cpuOf)),
    note: `From the start of what runs them until the last is settled. "${SQL_ALONE.title}" is two connections that claim and settle, and run nothing. pg-boss settles a batch of up to 5,000 as one; the others settle each task by its own outcome.`,
  };
}

function toRows(tasks: number, taken: readonly Taken<Drained>[]): Row[] {
  const rates = ({ name }: Contender) => valuesOf(taken, name, ({ perSecond }) => perSecond);
  const compared = { what: `${tasks.toLocaleString('en')} no-op tasks: tasks/s`, ours: rates(HEDDLE) };
  return [
    ...ratioRow({ ...compared, theirs: rates(GRAPHILE), than: GRAPHILE.title, target: { atLeast: 1.3 } }),
    ...ratioRow({ ...compared, theirs: rates(SANDBOXED), than: SANDBOXED.title, target: { atLeast: 10 } }),
    ...ratioRow({ ...compared, theirs: rates(SQL_ALONE), than: SQL_ALONE.title, target: { atLeast: 0.7 } }),
  ];
}
