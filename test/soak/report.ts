import type { TaskEnd } from './evidence.ts';
import { type Evidence, groupBy, lateSigns, type Violation } from './invariants.ts';
import { BEAT } from './load.ts';

/** The table that a soak prints, and its verdict. @param seed which repeats the schedule of faults */
export function report(evidence: Evidence, violations: readonly Violation[], seed: number): string {
  const { tasks, attempts, faults, logs, accepted, exits } = evidence;
  const unfinished = harmed(violations, FINISHED_ONCE);
  const own = exits.filter(({ asked }) => asked === null);
  const rows: [string, string][] = [
    ['faults', `${faults.length}: ${tally(faults, ({ kind }) => kind)}`],
    ['tasks accepted', String(accepted.length)],
    ['of these finished once', String(accepted.filter((id) => !unfinished.has(id)).length)],
    ['tasks by end, also those that nobody heard accepted', tally(tasks, ({ status }) => status)],
    ['attempts that did not complete', tally(attempts, ({ outcome }) => outcome)],
    ['attempts that overlapped', String(harmed(violations, OVERLAPPED).size)],
    ['runs that no record explains', String(harmed(violations, UNEXPLAINED).size)],
    ['rescues', `${attempts.filter(({ outcome }) => outcome === 'lost').length} tasks`],
    [
      'stale settles',
      `${logs.stale.length} rejected, ${harmed(violations, ['stale settle written']).size} written`,
    ],
    ['takeovers', String(logs.events.leader_elected ?? 0)],
    ['runners that ended by themselves', tally(own, ({ code, signal }) => signal ?? `exit ${code}`)],
    ['signs of life on waking', String(lateSigns(evidence).filter(({ waking }) => waking).length)],
    ['longest from a fault to the re-run', longest(reruns(evidence))],
    ['beats', beats(evidence)],
    ['violations', tally(violations, ({ rule }) => rule)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  return [`soak with seed ${seed}`, ...lines, ...violations.map(violationLine)].join('\n');
}

/** What the rules of `invariants.ts` are called. */
const FINISHED_ONCE = ['lost', 'wrong end', 'not ended once'];
const OVERLAPPED = ['overlap seen', 'overlap recorded'];
const UNEXPLAINED = ['unexplained run', 'ran twice'];

/** The tasks with which one of the rules was broken. */
function harmed(violations: readonly Violation[], rules: readonly string[]): Set<string> {
  return new Set(violations.filter(({ rule }) => rules.includes(rule)).map(({ subject }) => subject));
}

/** Whatever is said, on one line; the whole of it is in the logs. */
function violationLine({ rule, subject, detail }: Violation): string {
  const text = detail.replaceAll(/\s+/g, ' ');
  return `VIOLATION ${rule}: ${subject}: ${text.length > LINE ? `${text.slice(0, LINE)}…` : text}`;
}

const LINE = 300;

/** `kill 3, cut 2`, the most frequent first. */
export function tally<Row>(rows: readonly Row[], nameOf: (row: Row) => string): string {
  const counts = [...groupBy(rows, nameOf)].map(([name, { length }]) => ({ name, length }));
  counts.sort((a, b) => b.length - a.length);
  return counts.map(({ name, length }) => `${name} ${length}`).join(', ') || 'none';
}

export interface Rerun {
  kind: string;
  ms: number;
}

/** Of each lost attempt: the last fault that hit it while it ran, and how long after that began the task ran again. */
export function reruns({
  attempts,
  signs,
  faults,
}: Pick<Evidence, 'attempts' | 'signs' | 'faults'>): Rerun[] {
  const signsOf = groupBy(signs, ({ task_id }) => task_id);
  return attempts
    .filter(({ outcome }) => outcome === 'lost')
    .flatMap((attempt) => {
      const { task_id, claim_token, pid, started_at, finished_at } = attempt;
      const fault = faults
        .filter((one) => one.pid === pid || one.pid === null)
        .findLast((one) => one.at <= finished_at && one.until >= started_at);
      const again = signsOf.get(task_id)?.find((sign) => sign.claim_token > claim_token);
      return fault === undefined || again === undefined
        ? []
        : [{ kind: fault.kind, ms: again.at - fault.at }];
    });
}

function longest(found: readonly Rerun[]): string {
  const kinds = [...groupBy(found, ({ kind }) => kind)];
  return (
    kinds.map(([kind, of]) => `${kind} ${Math.round(Math.max(...of.map(({ ms }) => ms)))} ms`).join(', ') ||
    'none'
  );
}

/** How many there were, how far the last one was from its place on the grid of the first, and how late they began. */
export function beats({ tasks }: Pick<Evidence, 'tasks'>): string {
  const begun = tasks.filter(
    (task): task is TaskEnd & { slot: number; started_at: number } =>
      task.type === BEAT.type && task.slot !== null && task.started_at !== null,
  );
  if (begun.length === 0) return 'none';
  const slots = begun.map(({ slot }) => slot).sort((a, b) => a - b);
  const late = begun.map(({ slot, started_at }) => started_at - slot).sort((a, b) => a - b);
  const overHowLong = (slots.at(-1) as number) - (slots[0] as number);
  const drift = Math.round(overHowLong % BEAT.everyMs);
  const lateBy = (share: number) => Math.round(late[Math.ceil(late.length * share) - 1] as number);
  return `${begun.length} over ${Math.round(overHowLong / 1000)} s, drift ${drift} ms, late by ${lateBy(0.5)} ms (median), at most ${lateBy(1)} ms`;
}
