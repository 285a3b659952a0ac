import { residentMegabytes } from '../support/resident.ts';
import { median } from '../support/statistics.ts';
import { type Contender, HEDDLE, SANDBOXED } from '../systems/contenders.ts';
import { Session } from '../systems/session.ts';
import { takeTurns, toEntry } from './turns.ts';
import type { Context, Outcome } from './workload.ts';

/** Tasks that only wait, as for another service. Whoever runs one in a thread has that thread waiting with it. */
export async function waiting({ contenders, rounds, quick, say }: Context): Promise<Outcome> {
  const turns = contenders.flatMap((contender) =>
    threadsOf(contender).map((threads) => ({
      key: `${contender.name}-${threads}`,
      label: contender.title + (threads === undefined ? '' : `, ${threads} threads`),
      isOurs: contender === HEDDLE,
      measure: () => throughSystem(contender, threads, quick),
    })),
  );
  const tell = ({ perSecond, megabytes }: Waited) =>
    `${Math.round(perSecond).toLocaleString('en')} tasks/s, ${Math.round(megabytes)} MB`;
  const taken = await takeTurns(turns, rounds, say, tell);
  return {
    comparisons: [
      {
        name: 'waiting',
        title: `Tasks that wait for ${WAIT_MS} ms`,
        unit: 'tasks/s',
        better: 'higher',
        entries: taken.map((each) =>
          toEntry(
            each,
            ({ perSecond }) => perSecond,
            (all) => ({ 'memory, MB': median(all.map(({ megabytes }) => megabytes)).toFixed(0) }),
          ),
        ),
        note: `From submit to the last settle, when everything is warm. An engine that runs tasks in its own process has hundreds of them waiting at a time; Heddle has one in each thread, so that it needs more threads, and memory for them: what the isolation of every task costs. ${perSecondOf(2)} tasks/s is the most that 2 threads can do, ${perSecondOf(MANY)} that ${MANY} can.`,
      },
    ],
    rows: [],
  };
}

interface Waited {
  perSecond: number;
  /** Resident, of the process that runs. */
  megabytes: number;
}

const WAIT_MS = 20;
const MANY = 32;

function perSecondOf(threads: number): string {
  return ((threads * 1000) / WAIT_MS).toLocaleString('en');
}

/** How many it is to have, if it has any. */
function threadsOf(contender: Contender): (number | undefined)[] {
  return contender === HEDDLE || contender === SANDBOXED ? [2, MANY] : [undefined];
}

async function throughSystem(
  contender: Contender,
  threads: number | undefined,
  quick: boolean,
): Promise<Waited> {
  return Session.with(contender, async (session) => {
    const caller = await session.caller();
    const given = threads === undefined ? {} : { concurrency: threads };
    const runner = await session.runner({ best: 'waiting', ...given });
    await runner.ask('start');
    const hold = (count: number) =>
      Array.from({ length: count }, () => ({ type: 'hold', params: { ms: WAIT_MS } }) as const);
    const warm = 2 * (threads ?? 10);
    await caller.ask('submit', hold(warm));
    await runner.ask('until', warm);
    const tasks = Math.min(contender.most, (threads ?? 50) * (quick ? 10 : 100));
    const startedAt = performance.now();
    await caller.ask('submit', hold(tasks));
    await runner.ask('until', warm + tasks);
    const ms = performance.now() - startedAt;
    return { perSecond: (tasks * 1000) / ms, megabytes: residentMegabytes(runner.pid) };
  });
}
