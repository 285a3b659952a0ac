import { waitFor } from '../../test/support/wait-for.ts';
import type { Row } from '../support/bench.ts';
import { median, percentile, spread } from '../support/statistics.ts';
import { type Contender, GRAPHILE, HEDDLE } from '../systems/contenders.ts';
import type { Hosted } from '../systems/hosted.ts';
import { Session } from '../systems/session.ts';
import { drainOnce } from './drain.ts';
import { type Taken, takeTurns, toEntry, valuesOf } from './turns.ts';
import { ratioRow } from './verdict.ts';
import type { Comparison, Context, Outcome } from './workload.ts';

/** From the call of submit, in another process, to the first line of the task: with nothing else to do, and at half load. */
export async function latency(context: Context): Promise<Outcome> {
  const idle = await inTurns(context, () => 0);
  const loads = await halfLoads(context);
  const half = await inTurns(context, ({ name }) => loads.get(name) ?? 0);
  const given = context.contenders.map(
    ({ name, title }) => `${title} ${Math.round(loads.get(name) ?? 0).toLocaleString('en')}`,
  );
  return {
    comparisons: [
      toComparison('latency-idle', 'Submit to start, with nothing else to do', idle, IDLE_NOTE),
      toComparison(
        'latency-half-load',
        'Submit to start, at half load',
        half,
        `${LOAD_NOTE} Tasks a second: ${given.join(', ')}.`,
      ),
    ],
    rows: [...toRows('idle', idle), ...toRows('at half load', half)],
  };
}

interface Latency {
  p50: number;
  p99: number;
  /** How much of the load had not been run by the end of it, if that was more than a tenth of a second's. */
  behind: number;
}

const IDLE_NOTE =
  'One task at a time, with a pause of 10 to 30 ms after each. The bars are the medians; each engine is in its configuration for this, without queues of its own.';
const LOAD_NOTE =
  'The same beside no-op tasks that are submitted in batches every 10 ms, at half of the rate that the engine drains by itself, but never more than half of what Heddle or graphile-worker 0.17 does. Caller, engine and store share the cores.';

/** At most as much as those have whose ratio is a target: they get the same. */
async function halfLoads({ contenders, quick, drained, say }: Context): Promise<Map<string, number>> {
  const rates = new Map<string, number>();
  for (const contender of contenders) {
    const tasks = Math.min(contender.most, quick ? 2000 : 20_000);
    const rate = drained.get(contender.name) ?? (await drainOnce(contender, tasks)).perSecond;
    rates.set(contender.name, rate);
  }
  const most = Math.min(...[HEDDLE, GRAPHILE].map(({ name }) => rates.get(name) ?? Number.POSITIVE_INFINITY));
  say(`half load is at most ${Math.round(most / 2).toLocaleString('en')} tasks/s`);
  return new Map([...rates].map(([name, rate]) => [name, Math.min(rate, most) / 2]));
}

function inTurns({ contenders, rounds, quick, say }: Context, loadOf: (contender: Contender) => number) {
  const probes = quick ? 30 : 150;
  const turns = contenders.map((contender) => ({
    key: contender.name,
    label: contender.title,
    isOurs: contender === HEDDLE,
    measure: () => measure(contender, loadOf(contender), probes),
  }));
  const tell = ({ p50, p99, behind }: Latency) =>
    `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms${behind > 0 ? `, ${behind} tasks behind` : ''}`;
  return takeTurns(turns, rounds, say, tell);
}

async function measure(contender: Contender, perSecond: number, probes: number): Promise<Latency> {
  return Session.with(contender, async (session) => {
    const caller = await session.caller();
    const runner = await session.runner({ best: perSecond === 0 ? 'latency' : 'throughput' });
    await runner.ask('start');
    await caller.ask('probe', { from: 0, count: WARM_UP, pauseMs: 10 });
    if (perSecond > 0) {
      await caller.ask('startPace', perSecond);
      await caller.ask('probe', { from: WARM_UP, count: WARM_UP, pauseMs: 20 });
    }
    const from = 2 * WARM_UP;
    const submittedAt = await caller.ask('probe', { from, count: probes, pauseMs: 10 });
    const paced = await caller.ask('endPace');
    const behind = paced === undefined ? 0 : paced.due + from + probes - (await runner.ask('ended'));
    const times = (await startsOf(runner, from, probes)).map(
      (startedAt, at) => Number(BigInt(startedAt) - BigInt(submittedAt[at] ?? 0)) / 1e6,
    );
    return {
      p50: percentile(times, 0.5),
      p99: percentile(times, 0.99),
      behind: behind > perSecond / 10 ? behind : 0,
    };
  });
}

const WARM_UP = 20;

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

function toComparison(
  name: string,
  title: string,
  taken: readonly Taken<Latency>[],
  note: string,
): Comparison {
  return {
    name,
    title,
    unit: 'ms',
    better: 'lower',
    digits: 2,
    entries: taken.map((each) =>
      toEntry(
        each,
        ({ p50 }) => p50,
        (all) => ({
          'p99, ms': spread(
            all.map(({ p99 }) => p99),
            1,
          ),
          ...(all.some(({ behind }) => behind > 0)
            ? { 'tasks behind in the end': median(all.map(({ behind }) => behind)).toFixed(0) }
            : {}),
        }),
      ),
    ),
    note,
  };
}

function toRows(when: string, taken: readonly Taken<Latency>[]): Row[] {
  const of = ({ name }: Contender, value: (latency: Latency) => number) => valuesOf(taken, name, value);
  const row = (what: string, value: (latency: Latency) => number, atMost: number) =>
    ratioRow({
      what: `submit to start, ${when}: ${what}, ms`,
      ours: of(HEDDLE, value),
      theirs: of(GRAPHILE, value),
      than: GRAPHILE.title,
      target: { atMost },
      digits: 2,
    });
  return [...row('p50', ({ p50 }) => p50, 0.9), ...row('p99', ({ p99 }) => p99, 1.2)];
}
