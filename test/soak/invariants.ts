import type { RecordedAttempt, Rows, Sign, TaskEnd } from './evidence.ts';
import type { Injected } from './faults.ts';
import { BEAT, EXPECTED, LEAVES_EFFECT } from './load.ts';
import type { LogFindings } from './logs.ts';
import type { Exit } from './runner-under-fire.ts';

/** A promise that was not kept. */
export interface Violation {
  rule: string;
  /** The task, process or file. */
  subject: string;
  detail: string;
}

/** All there is to judge a soak by. */
export interface Evidence extends Rows {
  accepted: readonly string[];
  faults: readonly Injected[];
  exits: readonly Exit[];
  logs: LogFindings;
}

/** Everything that was promised and not kept. */
export function findViolations(evidence: Evidence): Violation[] {
  return [
    ...violationsOfTasks(evidence),
    ...staleWritten(evidence),
    ...wrongBeats(evidence),
    ...wrongExits(evidence),
    ...alarms(evidence),
    ...idleSoak(evidence),
  ];
}

/** What was promised of tasks, whoever else was harmed. */
export function violationsOfTasks(evidence: Omit<Evidence, 'exits' | 'logs'>): Violation[] {
  return [
    ...lostTasks(evidence),
    ...wrongEnds(evidence),
    ...repeatedEnds(evidence),
    ...overlapsSeen(evidence),
    ...overlapsRecorded(evidence),
    ...unexplainedRuns(evidence),
    ...wrongEffects(evidence),
  ];
}

/** What was accepted is there. */
export function lostTasks({ accepted, tasks }: Pick<Evidence, 'accepted' | 'tasks'>): Violation[] {
  const there = new Set(tasks.map(({ id }) => id));
  return accepted
    .filter((id) => !there.has(id))
    .map((id) => violation('lost', id, 'it was accepted, and is not in the table'));
}

/** Every task, also one whose acceptance nobody heard of, has ended as its type does. */
export function wrongEnds({ tasks }: Pick<Evidence, 'tasks'>): Violation[] {
  return tasks
    .filter(({ type, status }) => !(EXPECTED[type] ?? ANY_END).includes(status))
    .map(({ id, type, status }) => violation('wrong end', id, `${type} is ${status}`));
}

const ANY_END: readonly string[] = ['completed', 'failed', 'cancelled'];

/** Every task that has ended has done so once, and no other one has. */
export function repeatedEnds({ tasks, finishes }: Pick<Evidence, 'tasks' | 'finishes'>): Violation[] {
  const of = groupBy(finishes, ({ task_id }) => task_id);
  return tasks.flatMap(({ id, type, status }) => {
    const ends = (of.get(id) ?? []).map((finish) => finish.status);
    if (ends.length === (ANY_END.includes(status) ? 1 : 0)) return [];
    return [
      violation('not ended once', id, `${type} is ${status}, and ended: ${ends.join(', then ') || 'never'}`),
    ];
  });
}

/**
 * No attempt gave a sign of life after a later one had begun; save those of a process that had been stopped where it
 * was and had just gone on: until it has looked at its clock it cannot know that its lease is over.
 */
export function overlapsSeen(evidence: Pick<Evidence, 'signs' | 'attempts' | 'faults'>): Violation[] {
  return lateSigns(evidence)
    .filter(({ waking }) => !waking)
    .map(({ sign, begun }) =>
      violation(
        'overlap seen',
        sign.task_id,
        `claim ${sign.claim_token} said "${sign.phase}" ${(sign.at - begun.at).toFixed(1)} ms after claim ${begun.claim_token} had begun`,
      ),
    );
}

export interface LateSign {
  sign: Sign;
  /** The first sign of a later attempt. */
  begun: Sign;
  /** Its process had just gone on after having been stopped. */
  waking: boolean;
}

/** Signs of life of attempts after a later one had begun. */
export function lateSigns({
  signs,
  attempts,
  faults,
}: Pick<Evidence, 'signs' | 'attempts' | 'faults'>): LateSign[] {
  const pidOf = new Map(attempts.map(({ task_id, claim_token, pid }) => [`${task_id} ${claim_token}`, pid]));
  const pauses = faults.filter(({ kind }) => kind === 'pause' || kind === 'long pause');
  return [...groupBy(signs, ({ task_id }) => task_id).values()].flatMap((ofTask) =>
    ofTask.flatMap((sign) => {
      const begun = ofTask.find(({ claim_token, at }) => claim_token > sign.claim_token && at < sign.at);
      if (begun === undefined) return [];
      const pid = pidOf.get(`${sign.task_id} ${sign.claim_token}`);
      const waking = pauses.some(
        (pause) =>
          pause.pid === pid && sign.at >= pause.until - WAKING_MS && sign.at <= pause.until + WAKING_MS,
      );
      return [{ sign, begun, waking }];
    }),
  );
}

/** How long a process that goes on may take to find out that its time was over. */
const WAKING_MS = 500;

/** By what the engine recorded, no attempt began before the one before it had ended. */
export function overlapsRecorded({ tasks, attempts }: Pick<Evidence, 'tasks' | 'attempts'>): Violation[] {
  const of = groupBy(attempts, ({ task_id }) => task_id);
  return tasks.flatMap((task) => {
    const runs = [...(of.get(task.id) ?? []), ...completedRun(task)];
    runs.sort((a, b) => a.claim_token - b.claim_token);
    return runs.slice(1).flatMap((run, index) => {
      const before = runs[index] as Run;
      if (run.started_at >= before.finished_at - ROUNDING_MS) return [];
      const detail = `claim ${run.claim_token} began ${(before.finished_at - run.started_at).toFixed(1)} ms before claim ${before.claim_token} had ended`;
      return [violation('overlap recorded', task.id, detail)];
    });
  });
}

type Run = Pick<RecordedAttempt, 'claim_token' | 'started_at' | 'finished_at'>;

/** The attempt that completed a task is told by the task's own row. */
function completedRun({ status, claim_token, started_at, finished_at }: TaskEnd): Run[] {
  if (status !== 'completed' || claim_token === null || started_at === null || finished_at === null)
    return [];
  return [{ claim_token, started_at, finished_at }];
}

/** Times are made from a clock and two durations. */
const ROUNDING_MS = 5;

/** Every claim that ran has ended in a recorded attempt or in a completed task, and ran once. */
export function unexplainedRuns({
  tasks,
  attempts,
  signs,
}: Pick<Evidence, 'tasks' | 'attempts' | 'signs'>): Violation[] {
  const explained = new Set(attempts.map(({ task_id, claim_token }) => `${task_id} ${claim_token}`));
  for (const { id, status, claim_token } of tasks)
    if (status === 'completed') explained.add(`${id} ${claim_token}`);
  const begins = signs.filter(({ phase }) => phase === 'begin');
  return [...groupBy(begins, ({ task_id, claim_token }) => `${task_id} ${claim_token}`)].flatMap(
    ([run, times]) => {
      const [id = '', claim = ''] = run.split(' ');
      const found: Violation[] = [];
      if (times.length > 1)
        found.push(violation('ran twice', id, `claim ${claim} began ${times.length} times`));
      if (!explained.has(run))
        found.push(violation('unexplained run', id, `claim ${claim} began, and no attempt tells of it`));
      return found;
    },
  );
}

/** What came too late was refused: the task is not what that claim would have made of it. */
export function staleWritten({ tasks, logs }: Pick<Evidence, 'tasks' | 'logs'>): Violation[] {
  const completedBy = new Map(
    tasks.filter(({ status }) => status === 'completed').map(({ id, claim_token }) => [id, claim_token]),
  );
  return logs.stale
    .filter(({ task_id, claim_token }) => completedBy.get(task_id) === claim_token)
    .map(({ task_id, claim_token }) =>
      violation(
        'stale settle written',
        task_id,
        `claim ${claim_token} was told to be stale, and completed it`,
      ),
    );
}

/** An effect that is committed with its task's completion is there once if the task completed, else not at all. */
export function wrongEffects({ tasks, effects }: Pick<Evidence, 'tasks' | 'effects'>): Violation[] {
  const of = groupBy(effects, ({ task_id }) => task_id);
  return tasks
    .filter(({ type }) => LEAVES_EFFECT.includes(type))
    .flatMap(({ id, type, status }) => {
      const count = of.get(id)?.length ?? 0;
      if (count === (status === 'completed' ? 1 : 0)) return [];
      return [violation('wrong effects', id, `${type} is ${status} and left ${count} effects`)];
    });
}

/** Of the beat no slot is there twice, and none is missing. */
export function wrongBeats({ tasks }: Pick<Evidence, 'tasks'>): Violation[] {
  const slots = tasks
    .filter(({ type }) => type === BEAT.type)
    .map(({ slot }) => Math.round(slot ?? 0))
    .sort((a, b) => a - b);
  return slots.slice(1).flatMap((slot, index) => {
    const gap = slot - (slots[index] as number);
    if (gap === BEAT.everyMs) return [];
    const what = gap === 0 ? 'it is there twice' : `${gap} ms after the one before it`;
    return [violation('wrong beat', new Date(slot).toISOString(), what)];
  });
}

/** A runner ends because it was killed, was told to, or has decided to be started again (75). */
export function wrongExits({ exits }: Pick<Evidence, 'exits'>): Violation[] {
  return exits
    .filter((exit) => !isRightExit(exit))
    .map(({ runner, pid, code, signal, asked }) =>
      violation(
        'wrong exit',
        `runner ${runner} (pid ${pid})`,
        `it ended by ${signal ?? `exit code ${code}`}, sent was ${asked ?? 'nothing'}`,
      ),
    );
}

function isRightExit({ code, signal, asked, began, degraded }: Exit): boolean {
  if (signal === null) return code === 0 || code === 75;
  // Before Node 22.15 a process in which a thread does not die has no other way to end.
  if (degraded && signal === 'SIGKILL') return true;
  // Before Node has come to Heddle's first line, nobody is there to catch a signal.
  return signal === asked && (signal === 'SIGKILL' || !began);
}

/** No runner wrote an error of Node's own, nor one it did not foresee. */
export function alarms({ logs }: Pick<Evidence, 'logs'>): Violation[] {
  return logs.alarms.map(({ file, text, count }) => violation('alarm', file, `${count} times: ${text}`));
}

/** A soak in which tasks of some type never ran proves nothing about them. */
export function idleSoak({
  tasks,
  signs,
  faults,
}: Pick<Evidence, 'tasks' | 'signs' | 'faults'>): Violation[] {
  const ran = new Set(signs.map(({ task_id }) => task_id));
  const types = new Set(tasks.filter(({ id }) => ran.has(id)).map(({ type }) => type));
  const idle = Object.keys(EXPECTED)
    .filter((type) => !types.has(type))
    .map((type) => violation('idle soak', type, 'no task of it ran'));
  return faults.length > 0 ? idle : [...idle, violation('idle soak', 'faults', 'there were none')];
}

function violation(rule: string, subject: string, detail: string): Violation {
  return { rule, subject, detail };
}

/** In the order of the rows. */
export function groupBy<Row, Key>(rows: readonly Row[], keyOf: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}
