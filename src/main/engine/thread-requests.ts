import type { ThreadRequest } from '../../workers/protocol.ts';
import type { Queryable } from '../database/connect.ts';
import { pastOthers } from '../database/errors.ts';
import type { Observe } from '../observe/events.ts';
import { endBackendsOfAttempt } from './end-backends.ts';
import type { Flight } from './flight.ts';
import { CLAIM_UNIQUE_KEY, COUNT_DUPLICATE } from './sql/attempt.ts';
import { ENDED_DEPENDENCIES } from './sql/dependencies.ts';
import { submissionBody } from './submission.ts';
import { submit } from './submit.ts';
import type { TaskTypeCatalogue } from './task-types.ts';

/** Does for an attempt what only the main thread can. @throws Error that the attempt gets as its answer */
export async function serve(
  { database, catalogue, observe }: { database: Queryable; catalogue: TaskTypeCatalogue; observe: Observe },
  flight: Flight,
  request: ThreadRequest,
): Promise<unknown> {
  switch (request.do) {
    case 'submit':
      return submitFollowUp(database, catalogue, flight, request);
    case 'claim-unique-key':
      return claimUniqueKey(database, flight, request.key);
    case 'tell-dependencies':
      return endedDependencies(database, flight.task.id);
    case 'end-connections':
      return endBackendsOfAttempt(database, observe, flight.task);
  }
}

async function submitFollowUp(
  database: Queryable,
  catalogue: TaskTypeCatalogue,
  { task }: Flight,
  request: ThreadRequest & { do: 'submit' },
): Promise<{ id: string; deduplicated: boolean }> {
  const options = (JSON.parse(request.options) ?? {}) as object;
  const asked = submissionBody.safeParse({
    ...options,
    type: request.type,
    params: JSON.parse(request.params),
  });
  if (!asked.success) throw new TypeError(asked.error.issues.map(toSentence).join('; '));
  const followUp = { ...asked.data, traceparent: request.traceparent };
  const [submitted] = await pastOthers(() => submit(database, catalogue, [followUp], `task:${task.id}`));
  if (submitted === undefined) throw new Error('the follow-up task was not submitted');
  return { id: submitted.task.id, deduplicated: submitted.deduplicated };
}

function toSentence({ path, message }: { path: PropertyKey[]; message: string }): string {
  return `/${path.map(String).join('/')} ${message}`;
}

/** @returns the id of the unfinished task that has the key, or null when the key is this task's now */
async function claimUniqueKey(database: Queryable, { task }: Flight, key: string): Promise<string | null> {
  for (;;) {
    try {
      await database.query(CLAIM_UNIQUE_KEY, [task.id, task.claim_token, key]);
      return null;
    } catch (error) {
      if ((error as { code?: string }).code !== '23505') throw error;
    }
    const { rows } = await database.query<{ id: string }>(COUNT_DUPLICATE, [task.type, key]);
    // None: the other one has finished in between, and the key is free.
    if (rows[0] !== undefined) return rows[0].id;
  }
}

/** @returns JSON text */
async function endedDependencies(database: Queryable, taskId: string): Promise<string> {
  const { rows } = await database.query<{ dependencies: string }>(ENDED_DEPENDENCIES, [taskId]);
  return rows[0]?.dependencies ?? '[]';
}
