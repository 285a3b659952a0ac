import type { Row } from './bench.ts';
import { drainOnce, perSecond } from './drain-once.ts';
import type { OursDrained } from './measure-drain.ts';
import { median, medianRatio, spread } from './statistics.ts';

/** A way to drain: its name, and the script of a process that does it. */
export interface Way {
  name: string;
  script: URL;
}

export interface Compared {
  ours: OursDrained[];
  theirs: OursDrained[];
}

/** Drains in two ways, in turns: now one comes first, now the other, for whoever comes second finds the machine warm. */
export async function compareDrains(
  ours: Way,
  theirs: Way,
  { tasks, rounds }: { tasks: number; rounds: number },
  say: (line: string) => void,
): Promise<Compared> {
  const compared: Compared = { ours: [], theirs: [] };
  const one = async () => compared.ours.push(await drainOnce(ours.name, ours.script, tasks, say));
  const other = async () => compared.theirs.push(await drainOnce(theirs.name, theirs.script, tasks, say));
  for (let round = 0; round < rounds; round++) {
    for (const drain of round % 2 === 0 ? [other, one] : [one, other]) await drain();
  }
  const startMs = (drained: OursDrained[]) => Math.round(median(drained.map((each) => each.startMs)));
  say(
    `first claim after ${startMs(compared.theirs)} ms (${theirs.name}), ${startMs(compared.ours)} ms (${ours.name})`,
  );
  return compared;
}

/** What came of it, from the first claim to the last settle. @param than what `theirs` is */
export function comparedRow(
  tasks: number,
  { ours, theirs }: Compared,
  { what, target, than }: { what: string; target: number; than: string },
): Row {
  const ratesOf = (drained: OursDrained[]) =>
    drained.map(({ ms, startMs }) => perSecond(tasks, ms - startMs));
  const ratio = medianRatio(ratesOf(ours), ratesOf(theirs));
  const cpuOf = (drained: OursDrained[]) =>
    (median(drained.map(({ cpuMs }) => cpuMs / tasks)) * 1000).toFixed(0);
  return {
    what: `${tasks.toLocaleString('en')} no-op tasks ${what}, ${ours.length} rounds: tasks/s`,
    target: `≥ ${target} × ${than}`,
    measured: `${ratio.toFixed(2)} ×: ${spread(ratesOf(ours))} to ${spread(ratesOf(theirs))}; ${cpuOf(ours)} to ${cpuOf(theirs)} µs CPU each`,
    met: ratio >= target,
  };
}
