import { parseArgs } from 'node:util';
import { atExit } from '../test/support/at-exit.ts';
import { startThrowawayServer } from '../test/support/throwaway-server.ts';
import { claims } from './claims.ts';
import { cpu } from './cpu.ts';
import { dependencies } from './dependencies.ts';
import { documents } from './documents.ts';
import { drain } from './drain.ts';
import { http } from './http.ts';
import { idle } from './idle.ts';
import { insight } from './insight.ts';
import { latency } from './latency.ts';
import { liveness } from './liveness.ts';
import { migrate } from './migrate.ts';
import { prune } from './prune.ts';
import { recovery } from './recovery.ts';
import { search } from './search.ts';
import { spin } from './spin.ts';
import { stats } from './stats.ts';
import type { Bench, Row } from './support/bench.ts';
import { describeMachine } from './support/machine.ts';
import { printTable } from './support/table.ts';
import { takeover } from './takeover.ts';
import { ticks } from './ticks.ts';

/*
 * `npm run bench [-- NAME …] [-- --quick] [--tasks COUNT]`: measures, and prints one table of targets and what was measured. Targets
 * are ratios within this run or generous limits; missing one is told, and is no failure.
 */

const BENCHES: Record<string, Bench> = {
  drain,
  dependencies,
  latency,
  cpu,
  spin,
  idle,
  liveness,
  insight,
  takeover,
  recovery,
  claims,
  migrate,
  http,
  stats,
  prune,
  ticks,
  documents,
  search,
};

async function run(names: string[], quick: boolean, tasks: number | undefined): Promise<void> {
  const server = await startThrowawayServer({ durable: true });
  atExit(() => server.stopNow());
  // From here on, createTestDatabase makes its databases there.
  process.env.HEDDLE_TEST_DATABASE_URL = server.url;
  console.log(await describeMachine(server.url));
  const rows: Row[] = [];
  for (const name of names) {
    console.log(`\n${name}`);
    const bench = BENCHES[name] as Bench;
    rows.push(...(await bench({ quick, tasks, say: (line) => console.log(`  ${line}`) })));
  }
  printTable(rows);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, tasks: { type: 'string' } },
});
const tasks = values.tasks === undefined ? undefined : Number(values.tasks);
const unknown = positionals.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(`there is no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
await run(positionals.length > 0 ? positionals : Object.keys(BENCHES), values.quick, tasks);
process.exit(0);
