import { createHash } from 'node:crypto';
import {
  type AttemptRow,
  changesOf,
  type EventRow,
  type KeptChange,
  laterChanges,
  type OwnRow,
} from './history.ts';
import { afterChange, isTold, type Position } from './position.ts';
import { isFinished, type TaskRow } from './task.ts';

/*
 * What is new of a task for somebody who was told its story up to a position: state changes, log lines and progress,
 * in one order. Pure: what is kept and what was told say everything.
 */

/** What is kept of a task beyond a position. */
export interface Kept {
  task: OwnRow & Pick<TaskRow, 'updated_at' | 'result' | 'error' | 'progress'>;
  attempts: readonly AttemptRow[];
  byHand: readonly EventRow[];
  lines: readonly KeptLine[];
  /** There are more lines than these. */
  more: boolean;
  /** For how long the task's own row has not changed. */
  quietSeconds: number;
}

/** A line that a task wrote to its `log`. */
export interface KeptLine {
  id: bigint;
  at: Date;
  attempt: number;
  level: string;
  message: string;
  fields: unknown;
}

type Told =
  | { kind: 'status'; change: KeptChange }
  | { kind: 'log'; line: KeptLine }
  | { kind: 'progress'; progress: { fraction: number; message: string | null } };

/** One piece of news, and how far the story is told with it. */
export type NewsItem = Told & { position: Position };

export interface News extends Pick<Kept, 'task' | 'quietSeconds'> {
  items: NewsItem[];
  /** After all of them. */
  position: Position;
  /** The task has finished, and nothing of what is kept is left to tell. */
  isOver: boolean;
}

/** What is new since a position. */
export function newsOf(kept: Kept, since: Position): News {
  const changes = untoldChanges(kept, since);
  const told = withProgress(withLines(changes, kept, since), kept, since);
  let position: Position = { ...since, isEnd: since.isEnd && told.length === 0 };
  const items = told.map((one) => {
    position = after(position, one);
    return { ...one, position };
  });
  const { task, quietSeconds, more } = kept;
  return { task, quietSeconds, items, position, isOver: isFinished(task.status) && !more };
}

function untoldChanges(kept: Kept, since: Position): KeptChange[] {
  const { task, attempts, byHand } = kept;
  const changes =
    since.status === ''
      ? changesOf(task, attempts, byHand)
      : laterChanges(task, attempts, byHand, since.status);
  return [...givenBack(kept, since), ...changes.filter((change) => !isTold(change, since))];
}

/** A task that was claimed and given back before it started has kept nothing of that, but its start was told. */
function givenBack({ task, attempts }: Kept, since: Position): KeptChange[] {
  const { status, claim_token, updated_at, attempt, runner_id } = task;
  const token = since.started;
  if (status !== 'queued' || claim_token !== token || since.ended >= token) return [];
  if (attempts.some((row) => row.claim_token === token)) return [];
  const actor = `runner:${runner_id}`;
  const detail = 'given back before it started';
  const kept = { by: 'end', token } as const;
  return [{ at: updated_at, from: 'running', to: 'queued', attempt, actor, detail, kept }];
}

/**
 * Lines among the changes, neither of them reordered. Times alone would not do: those of lines are by the runner's
 * clock. A line comes after the start of its attempt, and before its end.
 */
function withLines(
  changes: readonly KeptChange[],
  { lines, attempts, task, more }: Kept,
  since: Position,
): Told[] {
  const told: Told[] = [];
  const left = [...changes];
  let open = since.started > since.ended ? attemptOf(since.started, task, attempts) : undefined;
  for (const line of lines) {
    while (left[0] !== undefined && comesBefore(line, left, open)) {
      const change = left.shift() as KeptChange;
      if (change.kept.by === 'start') open = change.attempt;
      if (change.kept.by === 'end') open = undefined;
      told.push({ kind: 'status', change });
    }
    told.push({ kind: 'log', line });
  }
  // Lines that are not read yet may come before the changes that are left.
  if (!more) told.push(...left.map((change) => ({ kind: 'status', change }) as const));
  return told;
}

function attemptOf(token: bigint, task: OwnRow, attempts: readonly AttemptRow[]): number {
  return attempts.find((row) => row.claim_token === token)?.attempt ?? task.attempt;
}

/** Whether the next change has to be told before a line. @param open the attempt that runs, as far as was told */
function comesBefore(line: KeptLine, left: readonly KeptChange[], open: number | undefined): boolean {
  const [next] = left as [KeptChange];
  if (next.kept.by === 'submission') return true;
  const startsLater = left.some(({ kept, attempt }) => kept.by === 'start' && attempt === line.attempt);
  if (open !== line.attempt) return startsLater;
  // An attempt that was given back has left its number to the next one: then only the time tells whose line it is.
  if (next.kept.by === 'end' && !startsLater) return false;
  return next.at <= line.at;
}

/** The latest progress: at the end, or before the end of the attempt that it is about. */
function withProgress(told: readonly Told[], { task, more }: Kept, since: Position): readonly Told[] {
  const { progress, status } = task;
  if (progress === null || (more && status !== 'running')) return told;
  const item = { kind: 'progress', progress } as const;
  if (progressKey(item, told.reduce(after, since)) === since.progress) return told;
  const end = status === 'running' ? -1 : told.findLastIndex(isEnd);
  return end === -1 ? [...told, item] : told.toSpliced(end, 0, item);
}

function isEnd(told: Told): boolean {
  return told.kind === 'status' && told.change.kept.by === 'end';
}

function after(position: Position, told: Told): Position {
  switch (told.kind) {
    case 'status':
      return afterChange(position, told.change);
    case 'log':
      return { ...position, line: told.line.id };
    case 'progress':
      return { ...position, progress: progressKey(told, position) };
  }
}

/** Progress has no number of its own: this tells one from another, also of another attempt. */
function progressKey({ progress }: { progress: unknown }, { started }: Position): string {
  return createHash('sha1')
    .update(`${started} ${JSON.stringify(progress)}`)
    .digest('base64url')
    .slice(0, 8);
}
