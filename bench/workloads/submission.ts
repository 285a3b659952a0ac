import pg from 'pg';
import { load } from '../support/autocannon.ts';
import type { Row } from '../support/bench.ts';
import { withApi } from '../support/http-api.ts';
import { median, spread } from '../support/statistics.ts';
import { type Contender, HEDDLE, SANDBOXED } from '../systems/contenders.ts';
import type { Hosted } from '../systems/hosted.ts';
import { Session } from '../systems/session.ts';
import { type Taken, type Turn, takeTurns, toEntry, valuesOf } from './turns.ts';
import { AT_ONCE, type Comparison, type Context, NO_OP, type Outcome } from './workload.ts';

/** How fast tasks are accepted, each committed: one after the other, by a hundred callers at a time, and many in one call. */
export async function submission(context: Context): Promise<Outcome> {
  const { contenders, rounds, quick, say } = context;
  const tell = (perSecond: number) => `${Math.round(perSecond).toLocaleString('en')} tasks/s`;
  const outcome: Outcome = { comparisons: [], rows: [] };
  for (const way of WAYS) {
    say(way.title);
    const turns: Turn<number>[] = [
      ...contenders.filter(hasItsOwnClient).map((contender) => ({
        key: contender.name,
        label: contender === HEDDLE ? "Heddle, the engine's statement" : contender.title,
        isOurs: contender === HEDDLE,
        measure: () => byClient(contender, way, quick),
      })),
      { key: 'sql', label: 'Heddle, `heddle_submit` in SQL', isOurs: true, measure: () => bySql(way, quick) },
      { key: 'http', label: 'Heddle, over HTTP', isOurs: true, measure: () => overHttp(way, quick) },
    ];
    const taken = await takeTurns(turns, rounds, say, tell);
    outcome.comparisons.push(toComparison(way, taken));
    if (way.name === 'submission-batch') outcome.rows.push(toRow(taken));
  }
  return outcome;
}

interface Way {
  name: string;
  title: string;
  /** In one call. */
  atOnce: number;
  /** Calls at a time. */
  atATime: number;
  note: string;
}

const BATCH_TARGET = 50_000;
/** The most that the API takes in one request. */
const HTTP_BATCH = 1000;

const WAYS: readonly Way[] = [
  {
    name: 'submission-single',
    title: 'Submitting one task after the other',
    atOnce: 1,
    atATime: 1,
    note: 'Each waits until the one before is committed.',
  },
  {
    name: 'submission-concurrent',
    title: 'Submitting one task a call, 100 calls at a time',
    atOnce: 1,
    atATime: 100,
    note: 'All in one process of the caller, on the connections that its client makes by default.',
  },
  {
    name: 'submission-batch',
    title: 'Submitting many tasks in one call',
    atOnce: AT_ONCE,
    atATime: 1,
    note: `${AT_ONCE.toLocaleString('en')} a call, one call after the other; over HTTP ${HTTP_BATCH.toLocaleString('en')} a request and four requests at a time. DBOS has no call for many: 20 of its calls at a time.`,
  },
];

function hasItsOwnClient(contender: Contender): boolean {
  return contender !== SANDBOXED; // It is BullMQ's.
}

async function byClient(contender: Contender, way: Way, quick: boolean): Promise<number> {
  return Session.with(contender, async (session) => {
    const caller = await session.caller();
    await submitBy(caller, way, way.atOnce === 1 ? 200 : Math.min(contender.most, AT_ONCE));
    const count = countOf(contender, way, quick);
    const { ms } = await submitBy(caller, way, count);
    return (count * 1000) / ms;
  });
}

function countOf({ most }: Contender, { atOnce, atATime }: Way, quick: boolean): number {
  const count = atOnce > 1 ? 50_000 : atATime > 1 ? 5000 : 500;
  return Math.min(most, quick ? count / 10 : count);
}

function submitBy(caller: Hosted, { atOnce, atATime }: Way, count: number) {
  if (atOnce === 1) return caller.ask('submitSingly', { task: NO_OP, count, atATime });
  return caller.ask('submitMany', { task: NO_OP, count, atOnce });
}

/** By the function that any SQL client can call. */
async function bySql({ atOnce, atATime }: Way, quick: boolean): Promise<number> {
  return Session.with(HEDDLE, async (session) => {
    const pool = new pg.Pool({ connectionString: session.store.url });
    const [calls, statement] = [countOf(HEDDLE, { atOnce, atATime } as Way, quick) / atOnce, BY_SQL];
    const call = () => pool.query({ name: 'submit', text: statement, values: [atOnce] });
    await call();
    const startedAt = performance.now();
    let left = calls;
    const callLeft = async () => {
      while (left-- > 0) await call();
    };
    await Promise.all(Array.from({ length: atATime }, callLeft));
    const ms = performance.now() - startedAt;
    await pool.end();
    return (calls * atOnce * 1000) / ms;
  });
}

const BY_SQL = "select count(heddle_submit('no-op', '{}')) from generate_series(1, $1::int)";

async function overHttp({ atOnce, atATime }: Way, quick: boolean): Promise<number> {
  return Session.with(HEDDLE, async (session) =>
    withApi(session.store.url, async (url) => {
      const batch = Math.min(atOnce, HTTP_BATCH);
      const given =
        batch === 1
          ? { url: `${url}/api/v1/tasks`, body: JSON.stringify(NO_OP), connections: atATime }
          : {
              url: `${url}/api/v1/tasks/batch`,
              body: JSON.stringify({ tasks: Array.from({ length: batch }, () => NO_OP) }),
              connections: 4,
            };
      await load({ ...given, seconds: 1 });
      const { perSecond } = await load({ ...given, seconds: quick ? 1 : 3 });
      return batch * perSecond;
    }),
  );
}

function toComparison({ name, title, note }: Way, taken: readonly Taken<number>[]): Comparison {
  return {
    name,
    title,
    unit: 'tasks/s',
    better: 'higher',
    entries: taken.map((each) => toEntry(each, (perSecond) => perSecond)),
    note,
  };
}

function toRow(taken: readonly Taken<number>[]): Row {
  const rates = valuesOf(taken, HEDDLE.name, (perSecond) => perSecond);
  return {
    what: `submitting ${AT_ONCE.toLocaleString('en')} tasks a call: tasks/s`,
    target: `≥ ${BATCH_TARGET.toLocaleString('en')}`,
    measured: spread(rates),
    met: median(rates) >= BATCH_TARGET,
  };
}
