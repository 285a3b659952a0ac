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
import { memory } from './memory.ts';
import { migrate } from './migrate.ts';
import { checkChoice, peers } from './peers.ts';
import { prune } from './prune.ts';
import { recovery } from './recovery.ts';
import { search } from './search.ts';
import { spin } from './spin.ts';
import { stats } from './stats.ts';
import { type Arguments, readArguments } from './support/arguments.ts';
import type { Bench, Row } from './support/bench.ts';
import { describeMachine } from './support/machine.ts';
import { printTable } from './support/table.ts';
import { takeover } from './takeover.ts';
import { ticks } from './ticks.ts';

/*
 * `npm run bench [-- NAME …] [-- --quick] …`: measures, and prints one table of targets and what was measured. Targets
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

/** Those that take so long that they only run when they are asked for. */
const LONG: Record<string, Bench> = { peers, memory };

async function run({ names, ...options }: Arguments): Promise<void> {
  const server = await startThrowawayServer({ durable: true });
  atExit(() => server.stopNow());
  // From here on, createTestDatabase makes its databases there.
  process.env.HEDDLE_TEST_DATABASE_URL = server.url;
  const machine = await describeMachine(server.url);
  console.log(machine);
  const rows: Row[] = [];
  for (const name of names.length > 0 ? names : Object.keys(BENCHES)) {
    console.log(`\n${name}`);
    const bench = (BENCHES[name] ?? LONG[name]) as Bench;
    rows.push(...(await bench({ ...options, machine, say: (line) => console.log(`  ${line}`) })));
  }
  if (rows.length > 0) printTable(rows);
}

function readOrExplain(args: readonly string[]): Arguments {
  const explain = (reason: string): never => {
    console.error(reason);
    process.exit(2);
  };
  try {
    const given = readArguments(args);
    const known = [...Object.keys(BENCHES), ...Object.keys(LONG)];
    const unknown = given.names.filter((name) => !known.includes(name));
    if (unknown.length > 0)
      return explain(`there is no benchmark ${unknown.join(', ')}; there are ${known.join(', ')}`);
    checkChoice(given);
    return given;
  } catch (error) {
    return explain((error as Error).message);
  }
}

await run(readOrExplain(process.argv.slice(2)));
process.exit(0);
