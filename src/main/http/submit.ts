import { pastOthers } from '../database/errors.ts';
import { orm } from '../database/orm.ts';
import { findTask, type VisibleTask, visibleTask } from '../database/tasks.ts';
import { submissionBody } from '../engine/submission.ts';
import { type Submission, SubmissionError, type Submitted, submit } from '../engine/submit.ts';
import { refusal } from './failures.ts';
import type { Operations } from './operations.ts';
import type { AppParts } from './parts.ts';
import { batchBody, submittedTask, submittedTasks } from './schemas/tasks.ts';
import { PREFER_WAIT, PREFERENCE_APPLIED, waitAsPreferred } from './wait.ts';

/** `POST /tasks` and `POST /tasks/batch`. */
export function submitRoutes(api: Operations, { database, catalogue, finishes }: AppParts): void {
  const reads = orm(database);

  api.on(
    {
      method: 'post',
      path: '/api/v1/tasks/batch',
      operationId: 'submitTasks',
      summary: 'Submit up to 1000 tasks, all or none',
      tag: 'tasks',
      role: 'operator',
      body: batchBody,
      answers: { 201: { description: 'The tasks, in the order of the body', schema: submittedTasks } },
    },
    async (c, { body: { tasks } }) => {
      const submitted = await submitAll(tasks, c.get('caller').actor, (index) => `/tasks/${index}`);
      return c.json({ items: submitted.map(toAnswer) }, 201);
    },
  );

  api.on(
    {
      method: 'post',
      path: '/api/v1/tasks',
      operationId: 'submitTask',
      summary: 'Submit a task',
      tag: 'tasks',
      role: 'operator',
      body: submissionBody,
      requestHeaders: { Prefer: PREFER_WAIT },
      answers: {
        200: {
          description: 'The same work was there already: that task, with one more retry',
          schema: submittedTask,
          headers: { Location: LOCATION, 'Preference-Applied': PREFERENCE_APPLIED },
        },
        201: {
          description: 'The new task. It is committed',
          schema: submittedTask,
          headers: { Location: LOCATION, 'Preference-Applied': PREFERENCE_APPLIED },
        },
      },
    },
    async (c, { body }) => {
      const [submitted] = (await submitAll([body], c.get('caller').actor, () => '')) as [Submitted];
      const { task, deduplicated } = submitted;
      const hasWaited = await waitAsPreferred(c, finishes, task);
      const now = hasWaited ? await findTask(reads, task.id) : undefined;
      c.header('Location', `/api/v1/tasks/${task.id}`);
      return c.json(toAnswer({ task: now ?? task, deduplicated }), deduplicated ? 200 : 201);
    },
  );

  async function submitAll(
    submissions: readonly Submission[],
    actor: string,
    pointerTo: (index: number) => string,
  ): Promise<Submitted[]> {
    try {
      return await pastOthers(() => submit(database, catalogue, submissions, actor));
    } catch (error) {
      throw error instanceof SubmissionError ? refusal(error, pointerTo) : error;
    }
  }
}

const LOCATION = 'The address of the task';

function toAnswer({ task, deduplicated }: { task: VisibleTask; deduplicated: boolean }) {
  return deduplicated ? { ...visibleTask(task), deduplicated } : visibleTask(task);
}
