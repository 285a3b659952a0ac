import type { Row } from '../support/bench.ts';
import { median, spread } from '../support/statistics.ts';
import { type Contender, GRAPHILE, HEDDLE } from '../systems/contenders.ts';
import { cpuOf, drainOnce, tellDrained } from './drain.ts';
import { type Latency, submitToStart } from './submit-to-start.ts';
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

const IDLE_NOTE =
  'One task at a time, with a pause of 10 to 30 ms after each. The bars are the medians; each engine is in its configuration for this, without queues of its own.';
const LOAD_NOTE =
  'The same beside no-op tasks that are submitted in batches every 10 ms, at half of the rate that the engine drains by itself, but never more than half of what Heddle or graphile-worker 0.17 does. Caller, engine and store share the cores; what submitting costs the store is in its CPU here.';

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
    measure: () => submitToStart(contender, loadOf(contender), probes),
  }));
  const tell = ({ p50, p99, load }: Latency) => {
    const behind = load !== null && load.behind > 0 ? `, ${load.behind} tasks behind` : '';
    return `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms${load === null ? '' : `; ${tellDrained(load)}${behind}`}`;
  };
  return takeTurns(turns, rounds, say, tell);
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
    entries: taken.map((each) => toEntry(each, ({ p50 }) => p50, columnsOf)),
    note,
  };
}

function columnsOf(all: readonly Latency[]): Record<string, string> {
  const of = (value: (latency: Latency) => number) => all.map(value);
  const loaded = all.flatMap(({ load }) => load ?? []);
  const isBehind = loaded.some(({ behind }) => behind > 0);
  return {
    'p99, ms': spread(
      of(({ p99 }) => p99),
      1,
    ),
    ...(loaded.length > 0 ? cpuOf(loaded) : {}),
    ...(isBehind ? { 'tasks behind': median(loaded.map(({ behind }) => behind)).toFixed(0) } : {}),
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
