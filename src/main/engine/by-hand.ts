import type pg from 'pg';
import type { Queryable } from '../database/connect.ts';
import { pastOthers } from '../database/errors.ts';
import { CANCEL_BY_HAND, DELETE_BY_HAND, RUN_BY_HAND } from './sql/by-hand.ts';
import { UNFINISHED_DEPENDENCIES } from './sql/dependencies.ts';
import type { Status } from './task.ts';

/**
 * Runs tasks now that wait, failed or were cancelled; their retries start anew. Running and completed ones stay, and so
 * does one while another unfinished task does the same work, or while one that it depends on is unfinished.
 * @param actor who asks: `api:NAME`, `cli`
 * @param statuses leaves those alone that are in none of them by now
 * @returns the ids of the tasks that changed
 * @throws SameWorkError when such a task was submitted at this very moment; then nothing changed
 */
export async function runByHand(
  database: Queryable,
  ids: readonly string[],
  actor: string,
  statuses?: readonly Status[],
): Promise<string[]> {
  try {
    return await changed(database, 'run-by-hand', RUN_BY_HAND, [ids, actor, statuses]);
  } catch (error) {
    if ((error as pg.DatabaseError).constraint !== 'tasks_unfinished_unique_key') throw error;
    throw new SameWorkError('a task with the same unique key is not finished', { cause: error });
  }
}

/** Deduplication forbids it: the same work is under way in another task. */
export class SameWorkError extends Error {
  override name = 'SameWorkError';
}

/** What of a task's dependencies is unfinished: until none is, the task cannot be run by hand. */
export async function unfinishedDependencies(
  database: Queryable,
  id: string,
): Promise<UnfinishedDependency[]> {
  const { rows } = await database.query<UnfinishedDependency>(UNFINISHED_DEPENDENCIES, [id]);
  return rows;
}

export interface UnfinishedDependency {
  id: string;
  status: Status;
}

/**
 * Cancels tasks. Waiting ones are cancelled when this returns, and so are those that depend on them; running ones have
 * `cancel_requested_at`, and their runner ends them. Finished ones stay.
 * @param actor who asks: `api:NAME`, `cli`
 * @param statuses leaves those alone that are in none of them by now
 * @returns the ids of the tasks that changed
 */
export async function cancelByHand(
  database: Queryable,
  ids: readonly string[],
  actor: string,
  statuses?: readonly Status[],
): Promise<string[]> {
  return changed(database, 'cancel-by-hand', CANCEL_BY_HAND, [ids, actor, statuses]);
}

/**
 * Deletes finished tasks, with their attempts, events and logs. Others stay, and so does one that an unfinished task
 * depends on.
 * @returns the ids of the deleted tasks
 */
export async function deleteByHand(database: Queryable, ids: readonly string[]): Promise<string[]> {
  return changed(database, 'delete-by-hand', DELETE_BY_HAND, [ids]);
}

async function changed(
  database: Queryable,
  name: string,
  text: string,
  values: unknown[],
): Promise<string[]> {
  const { rows } = await pastOthers(() => database.query<{ id: string }>({ name, text, values }));
  return rows.map((row) => row.id);
}
