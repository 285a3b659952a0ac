import { setMaxListeners } from 'node:events';
import type { Queryable } from '../database/connect.ts';
import type { Observe } from '../observe/events.ts';
import type { AttemptRow, EventRow } from './history.ts';
import { type Kept, type KeptLine, type News, newsOf } from './news.ts';
import type { Position } from './position.ts';
import { TOLD_SINCE } from './sql/watch.ts';
import type { Status } from './task.ts';
import { Watch } from './watch.ts';

/** Tells callers what is new of tasks. One statement looks for all of them, however many are watched. */
export class TaskWatch {
  readonly #database: Queryable;
  readonly #watch: Watch<Since, News | null>;
  readonly #stopped = new AbortController();

  constructor(database: Queryable, observe: Observe) {
    this.#database = database;
    // Every stream listens to it.
    setMaxListeners(0, this.#stopped.signal);
    this.#watch = new Watch({
      look: async (questions) => (await look(database, questions)).map(worthTelling),
      during: 'watching tasks',
      observe,
      intervalMs: { min: 100, max: 300 },
    });
  }

  /** What is new of a task since a position, and how it is, now; null when there is no such task. */
  async now(id: string, position: Position): Promise<News | null> {
    const [news] = await look(this.#database, [{ id, position }]);
    return news ?? null;
  }

  /**
   * Waits until there is news of a task, or it has finished. Never rejects.
   * @returns null when the task is gone; undefined when `gone` is aborted or the watch is stopped
   */
  next(id: string, position: Position, gone: AbortSignal): Promise<News | null | undefined> {
    return this.#watch.answer({ id, position }, Number.POSITIVE_INFINITY, gone);
  }

  /** Aborted when the watch is stopped. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Ends all waits, and those to come. */
  stop(): void {
    this.#watch.stop();
    this.#stopped.abort();
  }
}

interface Since {
  id: string;
  position: Position;
}

/** That nothing has happened is no answer. */
function worthTelling(news: News | null): News | null | undefined {
  return news === null || news.isOver || news.items.length > 0 ? news : undefined;
}

async function look(database: Queryable, questions: readonly Since[]): Promise<(News | null)[]> {
  const positions = questions.map(({ position }) => position);
  const { rows } = await database.query<KeptRow>({
    name: 'told-since',
    text: TOLD_SINCE,
    values: [
      questions.map(({ id }) => id),
      positions.map(({ hand }) => hand),
      positions.map(({ ended }) => ended),
      positions.map(({ line }) => line),
    ],
  });
  return rows.map((row, index) => {
    const kept = toKept(row);
    return kept && newsOf(kept, positions[index] as Position);
  });
}

type KeptRow = Omit<Kept['task'], 'claim_token' | 'status'> & {
  /** `null`: the task is gone. */
  status: Status | null;
  claim_token: string | null;
  attempts: Json<Omit<AttemptRow, 'error'> & { message: string | null }>[];
  by_hand: Json<EventRow>[];
  lines: Json<KeptLine>[];
  more: boolean;
  quiet_seconds: number;
};

/** What JSON makes of times and large numbers. */
type Json<Row> = {
  [Key in keyof Row]: Row[Key] extends bigint ? string : Row[Key] extends Date | null ? string : Row[Key];
};

function toKept(row: KeptRow): Kept | null {
  const { attempts, by_hand, lines, more, claim_token, quiet_seconds: quietSeconds, status, ...task } = row;
  if (status === null) return null;
  return {
    task: { ...task, status, claim_token: claim_token === null ? null : BigInt(claim_token) },
    attempts: attempts.map(toAttempt),
    byHand: by_hand.map((row) => ({ ...row, id: BigInt(row.id), at: new Date(row.at) })),
    lines: lines.map((line) => ({ ...line, id: BigInt(line.id), at: new Date(line.at) })),
    more,
    quietSeconds,
  };
}

function toAttempt({ message, ...row }: KeptRow['attempts'][number]): AttemptRow {
  return {
    ...row,
    claim_token: BigInt(row.claim_token),
    started_at: toDate(row.started_at),
    finished_at: toDate(row.finished_at),
    error: message === null ? null : { name: 'Error', message },
  };
}

function toDate(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
