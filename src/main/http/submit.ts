import { Hono } from 'hono';
import { pastOthers } from '../database/errors.ts';
import { orm } from '../database/orm.ts';
import { findTask, type VisibleTask, visibleTask } from '../database/tasks.ts';
import { submissionBody } from '../engine/submission.ts';
import { type Submission, SubmissionError, type Submitted, submit } from '../engine/submit.ts';
import { readBody } from './body.ts';
import { refusal } from './failures.ts';
import type { AppParts } from './parts.ts';
import { batchBody } from './schemas.ts';
import { waitAsPreferred } from './wait.ts';

/** `POST /tasks` and `POST /tasks/batch`. */
export function submitRoutes({ config, database, catalogue, finishes }: AppParts): Hono {
  const reads = orm(database);
  const limit = config.http.maxBodyBytes;

  return new Hono()
    .post('/tasks/batch', async (c) => {
      const { tasks } = await readBody(c, batchBody, limit);
      const submitted = await submitAll(tasks, c.get('caller').actor, (index) => `/tasks/${index}`);
      return c.json({ items: submitted.map(toAnswer) }, 201);
    })
    .post('/tasks', async (c) => {
      const submission = await readBody(c, submissionBody, limit);
      const [submitted] = (await submitAll([submission], c.get('caller').actor, () => '')) as [Submitted];
      const { task, deduplicated } = submitted;
      const hasWaited = await waitAsPreferred(c, finishes, task);
      const now = hasWaited ? await findTask(reads, task.id) : undefined;
      c.header('Location', `/api/v1/tasks/${task.id}`);
      return c.json(toAnswer({ task: now ?? task, deduplicated }), deduplicated ? 200 : 201);
    });

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

function toAnswer({ task, deduplicated }: { task: VisibleTask; deduplicated: boolean }) {
  return deduplicated ? { ...visibleTask(task), deduplicated } : visibleTask(task);
}
