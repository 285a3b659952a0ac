import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Row } from '../support/bench.ts';
import { type Contender, GRAPHILE, HEDDLE } from '../systems/contenders.ts';
import { Feed } from '../systems/feed.ts';
import { Session } from '../systems/session.ts';
import { cpuOf, type Drained, toDrained } from './drain.ts';
import { takeTurns, toEntry, valuesOf } from './turns.ts';
import { ratioRow } from './verdict.ts';
import type { Context, Outcome } from './workload.ts';

/**
 * A transaction that has read, and does nothing any more, keeps PostgreSQL from cleaning up: all that is claimed and
 * settled meanwhile leaves dead rows and index entries behind.
 */
export async function snapshot({ contenders, rounds, quick, seconds, say }: Context): Promise<Outcome> {
  const length = quick ? 4 : seconds;
  const turns = contenders
    .filter((contender) => [HEDDLE, GRAPHILE].includes(contender))
    .flatMap((contender) =>
      [false, true].map((held) => ({
        key: `${contender.name}-${held ? 'held' : 'free'}`,
        label: contender.title + (held ? ', a snapshot held' : ''),
        isOurs: contender === HEDDLE,
        measure: () => measure(contender, held, length),
      })),
    );
  const tell = ({ perSecond, last }: Fed) => `${rate(perSecond)} tasks/s, in the last quarter ${rate(last)}`;
  const taken = await takeTurns(turns, Math.min(rounds, 1), say, tell);
  const rates = (key: string) => valuesOf(taken, key, ({ perSecond }) => perSecond);
  const row = ({ name, title }: Contender): Row[] =>
    ratioRow({
      what: `${title}, ${length} s of submitting and draining, a snapshot held: tasks/s`,
      ours: rates(`${name}-held`),
      theirs: rates(`${name}-free`),
      than: 'without',
      target: { atLeast: 0.7 },
    });
  return {
    comparisons: [
      {
        name: 'snapshot',
        title: `Submitting and draining for ${length} s, while a transaction holds a snapshot`,
        unit: 'tasks/s',
        better: 'higher',
        entries: taken.map((each) =>
          toEntry(
            each,
            ({ perSecond }) => perSecond,
            (all) => ({
              'in the last quarter, tasks/s': rate(all[0]?.last ?? Number.NaN),
              ...cpuOf(all),
            }),
          ),
        ),
        note: `Another process keeps ${LEAST.toLocaleString('en')} no-op tasks queued. The transaction is \`repeatable read\`, has read, and is idle. What submitting costs PostgreSQL is in its CPU here.`,
      },
    ],
    rows: row(HEDDLE),
  };
}

interface Fed extends Drained {
  /** The same in the last quarter of the time. */
  last: number;
}

const LEAST = 5000;
const WARM_UP_MS = 2000;

function rate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en');
}

async function measure(contender: Contender, held: boolean, seconds: number): Promise<Fed> {
  return Session.with(contender, async (session) => {
    const caller = await session.caller();
    const runner = await session.runner({ best: 'throughput' });
    await runner.ask('start');
    const feed = new Feed(caller, runner, LEAST);
    await sleep(WARM_UP_MS);
    const reader = held ? await holdSnapshot(session.store.url) : undefined;
    const look = async () => ({
      ended: await runner.ask('ended'),
      at: performance.now(),
      nodeMs: await runner.ask('cpuMs'),
      storeMs: session.store.cpuMs(),
    });
    const first = await look();
    await sleep(seconds * 750);
    const third = await look();
    await sleep(seconds * 250);
    const last = await look();
    await feed.end();
    await reader?.end();
    const between = (from: typeof first, until: typeof first) =>
      toDrained(until.ended - from.ended, {
        ms: until.at - from.at,
        nodeMs: until.nodeMs - from.nodeMs,
        storeMs: until.storeMs - from.storeMs,
      });
    return { ...between(first, last), last: between(third, last).perSecond };
  });
}

async function holdSnapshot(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('begin isolation level repeatable read');
  await client.query('select count(*) from pg_class');
  return client;
}
