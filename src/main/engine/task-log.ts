import type { Queryable } from '../database/connect.ts';
import { describe, isLocked, isTooSlow, mayBeOneRow, untilWritten } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import { Batcher } from './batcher.ts';
import { writeByHalves } from './halves.ts';
import { KEEP_LOG, KEEP_LOG_UNLOCKED } from './sql/settle.ts';

/** Keeps the lines that attempts write to their `log`, with their task, while the attempt holds it. */
export class TaskLog {
  readonly #database: Queryable;
  readonly #observe: Observe;
  readonly #batcher: Batcher<KeptLine>;

  constructor(database: Queryable, observe: Observe) {
    this.#database = database;
    this.#observe = observe;
    this.#batcher = new Batcher(BATCH, (batch) => this.#write(batch));
  }

  /** @param line a pino line of the attempt */
  keep(taskId: string, claimToken: string, line: string): void {
    const { level, time, msg = '', task_id, task_type: _, attempt: __, ...fields } = parse(line);
    this.#batcher.add({
      task_id: taskId,
      token: claimToken,
      at_ms: typeof time === 'number' ? time : Date.now(),
      level: LEVELS[level as number] ?? String(level),
      message: typeof msg === 'string' ? msg : JSON.stringify(msg),
      // A task may well log the id of another one.
      fields: task_id === taskId || task_id === undefined ? fields : { ...fields, task_id },
    });
  }

  /** Resolves when every line so far is in the database. */
  written(): Promise<void> {
    return this.#batcher.written();
  }

  async #write(batch: KeptLine[]): Promise<void> {
    await writeByHalves(batch, (lines) => this.#tryToWrite(lines));
  }

  /** @returns the lines that are not kept. That a single one is not is told. */
  async #tryToWrite(lines: readonly KeptLine[]): Promise<readonly KeptLine[]> {
    try {
      const values = [JSON.stringify(lines)];
      await untilWritten<unknown>(
        'task log',
        this.#observe,
        (last) =>
          isLocked(last)
            ? this.#writeUnlocked(values, lines.length)
            : this.#database.query({ ...KEEP, values }),
        (error) => mayBeOneRow(error) && !isTooSlow(error), // No line takes long.
      );
      return [];
    } catch (error) {
      if (lines.length === 1)
        this.#observe({ event: 'database_error', during: 'task log', ...describe(error) });
      return lines;
    }
  }

  async #writeUnlocked(values: unknown[], lines: number): Promise<void> {
    const { rowCount } = await this.#database.query({ ...KEEP_UNLOCKED, values });
    const lost = lines - (rowCount ?? 0);
    const message = `somebody keeps a task locked: ${lost} of ${lines} lines are not kept`;
    if (lost > 0) this.#observe({ event: 'database_error', during: 'task log', message });
  }
}

const KEEP = { name: 'keep-log', text: KEEP_LOG };
const KEEP_UNLOCKED = { name: 'keep-log-unlocked', text: KEEP_LOG_UNLOCKED };

/** The most lines in a statement. */
const BATCH = 500;

interface KeptLine {
  task_id: string;
  token: string;
  at_ms: number;
  level: string;
  message: string;
  fields: Record<string, unknown>;
}

/** A task can write anything, also over pino's own fields, and even break pino's JSON with a formatter of its own. */
function parse(line: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  } catch {
    // Kept as it is.
  }
  return { level: 30, msg: line };
}

const LEVELS: Record<number, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
