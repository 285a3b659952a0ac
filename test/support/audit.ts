import type { Attempt, StateChange } from '../../src/main/engine/history.ts';
import { RUNNER_DIED, type Status, type TaskRow } from '../../src/main/engine/task.ts';

/** As the API tells it, its times as text. */
type Told<T> = { [Key in keyof T]: T[Key] extends Date | null ? string | Extract<T[Key], null> : T[Key] };

export interface Trail {
  task: Pick<TaskRow, 'id' | 'status'>;
  events: Told<StateChange>[];
  attempts: Told<Attempt>[];
}

/** What there is to object to in what is told of a task: it is a chain without a gap, in which each attempt is once. */
export function gapsIn({ task, events, attempts }: Trail): string[] {
  return [
    ...gapsOfChain(task.status, events),
    ...gapsOfTime(events),
    ...events.flatMap((event) => (ACTOR.test(event.actor) ? [] : [`actor '${event.actor}'`])),
    ...gapsOfAttempts(events, attempts),
    ...attempts.flatMap(gapsOfAttempt),
  ];
}

const ACTOR =
  /^(api:\S+|runner:[0-9a-f-]{36}|rescue|scheduler|dependencies|task:[0-9a-f-]{36}|sql(:\S+)?|test)$/;

function gapsOfChain(status: Status, events: Trail['events']): string[] {
  const [first] = events;
  if (first === undefined) return ['nothing is told'];
  const gaps: string[] = [];
  if (first.from !== null || first.attempt !== 0) gaps.push('it does not begin with the submission');
  events.slice(1).forEach((event, index) => {
    const before = events[index] as Told<StateChange>;
    if (event.from !== before.to) gaps.push(`after ${before.to} comes ${event.from} → ${event.to}`);
    if (!(FOLLOWS[String(event.from)] ?? []).includes(event.to)) gaps.push(`${event.from} → ${event.to}`);
  });
  if (events.at(-1)?.to !== status) gaps.push(`it is ${status}, and told as ${events.at(-1)?.to}`);
  return gaps;
}

/** `running` after `running` is a request to cancel; `queued` after `queued` is one to run at once. */
const FOLLOWS: Record<string, string[]> = {
  created: ['queued', 'cancelled'],
  queued: ['queued', 'running', 'cancelled'],
  running: ['running', 'queued', 'completed', 'failed', 'cancelled'],
  failed: ['queued'],
  cancelled: ['queued'],
};

function gapsOfTime(events: Trail['events']): string[] {
  return events.slice(1).flatMap((event, index) => {
    const before = events[index] as Told<StateChange>;
    return new Date(event.at) < new Date(before.at) ? [`${event.at} after ${before.at}`] : [];
  });
}

/** Starts, and ends, are those of the attempts, in their order. */
function gapsOfAttempts(events: Trail['events'], attempts: Trail['attempts']): string[] {
  const told = (some: Trail['events']) => some.map(({ attempt }) => attempt).join();
  const starts = told(events.filter(({ from, to }) => to === 'running' && from === 'queued'));
  const ends = told(events.filter(({ from, to }) => from === 'running' && to !== 'running'));
  const begun = attempts.map(({ attempt }) => attempt).join();
  const ended = attempts.filter(({ outcome }) => outcome !== null).map(({ attempt }) => attempt);
  const gaps: string[] = [];
  if (starts !== begun) gaps.push(`attempts ${begun}, but starts of ${starts}`);
  if (ends !== ended.join()) gaps.push(`attempts ${ended} ended, but ends of ${ends}`);
  return gaps;
}

function gapsOfAttempt(attempt: Told<Attempt>): string[] {
  const { outcome, error, runner_id, thread_id, started_at, finished_at } = attempt;
  const wrong: Record<string, boolean> = {
    'no runner': runner_id === null,
    // Of a dead runner's, it is known where the runner had shown it.
    'no thread': thread_id === null && outcome !== null && error?.name !== RUNNER_DIED,
    'no start': started_at === null,
    'no end': (finished_at === null) !== (outcome === null),
    'no error': outcome !== null && !ENDS_WELL.has(outcome) && !(error?.name && error.message),
    'it ended before it began': finished_at !== null && new Date(finished_at) < new Date(started_at ?? 0),
  };
  return Object.keys(wrong).flatMap((what) => (wrong[what] ? [`attempt ${attempt.attempt}: ${what}`] : []));
}

const ENDS_WELL = new Set(['succeeded', 'given_back']);
