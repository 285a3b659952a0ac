import type pg from 'pg';
import type { Config } from '../config.ts';
import { connect } from '../database/connect.ts';
import { orm } from '../database/orm.ts';
import { taskFinder, type VisibleTask } from '../database/tasks.ts';
import { FinishWatch } from '../engine/finish-watch.ts';
import { SubmissionError } from '../engine/submission-error.ts';
import { submit } from '../engine/submit.ts';
import { TaskTypeCatalogue } from '../engine/task-types.ts';
import { CommandError } from './command.ts';

/** What is asked for. */
interface Wish {
  type: string;
  params: object;
  waitSeconds: number;
}

/** Submits without the API, and waits as asked. @throws CommandError */
export async function submitIntoDatabase(config: Config, wish: Wish): Promise<VisibleTask> {
  const { url } = config.database;
  if (url === undefined) throw new CommandError('--database needs DATABASE_URL, and it is not set');
  const database = connect(url, 'heddle submit', () => {}, { max: 2 });
  try {
    return await submitAndWait(database, wish);
  } catch (error) {
    throw new CommandError(reasonOf(error), { cause: error });
  } finally {
    await database.end();
  }
}

async function submitAndWait(database: pg.Pool, { type, params, waitSeconds }: Wish): Promise<VisibleTask> {
  const catalogue = new TaskTypeCatalogue(database);
  const [submitted] = await submit(database, catalogue, [{ type, params }], 'cli');
  const { task } = submitted as NonNullable<typeof submitted>;
  if (waitSeconds === 0) return task;
  const finishes = new FinishWatch(database, () => {});
  await finishes.finished(task.id, waitSeconds, new AbortController().signal);
  finishes.stop();
  return (await taskFinder(orm(database))(task.id)) ?? task;
}

/** The faults of a submission, else what the database says. */
function reasonOf(error: unknown): string {
  if (error instanceof SubmissionError) {
    return error.faults.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('\n  ');
  }
  const { message, code } = error as NodeJS.ErrnoException;
  return `the database says: ${message || code}`;
}
