import type { Row } from '../support/bench.ts';
import { fillFinished, queueMore } from '../support/fill-table.ts';
import { HEDDLE } from '../systems/contenders.ts';
import { Session } from '../systems/session.ts';
import { cpuOf, type Drained, submitNoOps, tellDrained, toDrained } from './drain.ts';
import { takeTurns, toEntry, valuesOf } from './turns.ts';
import { ratioRow } from './verdict.ts';
import type { Context, Outcome } from './workload.ts';

/** No-op tasks in a table that has nothing else in it, or much that has ended, or much that is queued. */
export async function largeTables({ rounds, quick, say }: Context): Promise<Outcome> {
  const rows = quick ? 50_000 : 1_000_000;
  const tasks = quick ? 5000 : 50_000;
  const much = rows.toLocaleString('en');
  const tables = [
    { key: 'small', label: 'nothing else', session: await Session.open(HEDDLE), fill: async () => {} },
    {
      key: 'finished',
      label: `${much} that have ended`,
      session: await Session.open(HEDDLE),
      fill: fillFinished,
    },
    {
      key: 'queued',
      label: `${much} queued, of other types or not yet due`,
      session: await Session.open(HEDDLE),
      fill: queueMore,
    },
  ];
  try {
    for (const { label, session, fill } of tables) {
      say(`filling a table: ${label}`);
      await fill(session.store.url, rows);
    }
    const turns = tables.map(({ key, label, session }) => ({
      key,
      label,
      isOurs: true,
      measure: () => drainBeside(session, tasks),
    }));
    const taken = await takeTurns(turns, rounds, say, tellDrained);
    const rates = (key: string) => valuesOf(taken, key, ({ perSecond }) => perSecond);
    const row = (key: string, what: string): Row[] =>
      ratioRow({
        what: `draining beside ${much} ${what} tasks: tasks/s`,
        ours: rates(key),
        theirs: rates('small'),
        than: 'a small table',
        target: { atLeast: 0.9 },
      });
    return {
      comparisons: [
        {
          name: 'large-tables',
          title: `Heddle draining ${tasks.toLocaleString('en')} no-op tasks, and what else is in its table`,
          unit: 'tasks/s',
          better: 'higher',
          entries: taken.map((each) => toEntry(each, ({ perSecond }) => perSecond, cpuOf)),
          note: `The queued ones are of three types that no runner here has; half of them are not yet due. PostgreSQL has analyzed the table before each round.`,
        },
      ],
      rows: [...row('finished', 'finished'), ...row('queued', 'queued')],
    };
  } finally {
    await Promise.all(tables.map(({ session }) => session.end()));
  }
}

/** The table stays as it is otherwise, but for what was drained. */
async function drainBeside(session: Session, tasks: number): Promise<Drained> {
  await submitNoOps(session, tasks);
  const runner = await session.runner({ best: 'throughput' });
  const storeBefore = session.store.cpuMs();
  const { ms, cpuMs } = await runner.ask('drain', tasks);
  const storeMs = session.store.cpuMs() - storeBefore;
  await runner.ask('stop'); // Else the next one would have to wait until its lease is over.
  await session.dismiss(runner);
  return toDrained(tasks, { ms, nodeMs: cpuMs, storeMs });
}
