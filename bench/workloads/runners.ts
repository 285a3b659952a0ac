import { setTimeout as sleep } from 'node:timers/promises';
import { type Contender, GRAPHILE, HEDDLE } from '../systems/contenders.ts';
import { Session } from '../systems/session.ts';
import { cpuOf, type Drained, submitNoOps, tellDrained, toDrained } from './drain.ts';
import { takeTurns, toEntry } from './turns.ts';
import type { Context, Outcome } from './workload.ts';

/** One, two and four processes that share a store. */
export async function runners({ contenders, rounds, quick, say }: Context): Promise<Outcome> {
  const tasks = quick ? 5000 : 100_000;
  const turns = contenders
    .filter((contender) => [HEDDLE, GRAPHILE].includes(contender))
    .flatMap((contender) =>
      [1, 2, 4].map((count) => ({
        key: `${contender.name}-${count}`,
        label: `${contender.title}, ${count} ${count === 1 ? 'process' : 'processes'}`,
        isOurs: contender === HEDDLE,
        measure: () => drainTogether(contender, count, tasks),
      })),
    );
  const taken = await takeTurns(turns, rounds, say, tellDrained);
  return {
    comparisons: [
      {
        name: 'runners',
        title: `Draining ${tasks.toLocaleString('en')} no-op tasks with several runners`,
        unit: 'tasks/s',
        better: 'higher',
        entries: taken.map((each) => toEntry(each, ({ perSecond }) => perSecond, cpuOf)),
        note: 'From the start of all of them until the last task is settled. Heddle with `RUNNER_MODE=shared` and 2 threads each, so that four runners have eight threads; all of them, and PostgreSQL, share the same cores.',
      },
    ],
    rows: [],
  };
}

async function drainTogether(contender: Contender, count: number, tasks: number): Promise<Drained> {
  return Session.with(contender, async (session) => {
    await submitNoOps(session, tasks);
    const all = await Promise.all(
      Array.from({ length: count }, () => session.runner({ best: 'throughput', shared: true })),
    );
    const sumOf = async (ask: 'ended' | 'cpuMs') =>
      (await Promise.all(all.map((runner) => runner.ask(ask)))).reduce((sum, one) => sum + one, 0);
    const [storeBefore, nodeBefore] = [session.store.cpuMs(), await sumOf('cpuMs')];
    const startedAt = performance.now();
    await Promise.all(all.map((runner) => runner.ask('start')));
    while ((await sumOf('ended')) < tasks) await sleep(5);
    while (((await all[0]?.ask('left')) ?? 0) > 0);
    const ms = performance.now() - startedAt;
    const nodeMs = (await sumOf('cpuMs')) - nodeBefore;
    return toDrained(tasks, { ms, nodeMs, storeMs: session.store.cpuMs() - storeBefore });
  });
}
