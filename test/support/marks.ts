import type { Queryable } from '../../src/main/database/connect.ts';

/** What the fixture tasks with limits write: when an attempt began and when it ended. */
export interface Span {
  task_id: string;
  key: string;
  /** Milliseconds since 1970. */
  began: number;
  /** null: it was killed. */
  ended: number | null;
}

/** Makes the table that those tasks write to. */
export async function createMarks(database: Queryable): Promise<void> {
  await database.query(
    'create table marks (type text, task_id uuid, attempt int, key text, what text, at float8)',
  );
}

/** The attempts of a type, in the order in which they began. */
export async function spansOf(database: Queryable, type: string): Promise<Span[]> {
  const { rows } = await database.query<Span>(SPANS, [type]);
  return rows;
}

const SPANS = `
select task_id, key, min(at) filter (where what = 'begins') as began, min(at) filter (where what = 'ends') as ended
from marks
where type = $1
group by task_id, attempt, key
order by began`;

/** The most that ran at once. @param killedAt when those ended that were killed */
export function mostAtOnce(spans: readonly Span[], killedAt = Number.POSITIVE_INFINITY): number {
  const beside = spans.map(({ began }) =>
    spans.filter((other) => other.began <= began && (other.ended ?? killedAt) > began),
  );
  return Math.max(...beside.map(({ length }) => length));
}

/** The most that began within any window of so many milliseconds. */
export function mostStartsWithin(spans: readonly Span[], milliseconds: number): number {
  const within = spans.map(({ began }) =>
    spans.filter((other) => other.began >= began && other.began < began + milliseconds),
  );
  return Math.max(...within.map(({ length }) => length));
}

/** By key. */
export function byKey(spans: readonly Span[]): Map<string, Span[]> {
  const keys = new Map<string, Span[]>();
  for (const span of spans) keys.set(span.key, [...(keys.get(span.key) ?? []), span]);
  return keys;
}
