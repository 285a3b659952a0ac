import type { Context } from 'hono';
import type pg from 'pg';
import { startSubmitSpan } from '../../../workers/shared/tracing.ts';
import { describe } from '../../database/errors.ts';
import { orm } from '../../database/orm.ts';
import { taskFinder } from '../../database/tasks.ts';
import { check } from '../../engine/check.ts';
import type { NewTask } from '../../engine/new-task.ts';
import { submissionBody } from '../../engine/submission.ts';
import { SubmissionError } from '../../engine/submission-error.ts';
import { Submissions } from '../../engine/submissions.ts';
import { insert, type Submission, type Submitted, wake } from '../../engine/submit.ts';
import { hasDependencies, submitDependent } from '../../engine/submit-dependent.ts';
import { refusal } from '../answers/failures.ts';
import { hideSecrets } from '../answers/secret-params.ts';
import type { Operations } from '../contract/operations.ts';
import type { AppParts } from '../parts.ts';
import {
  type Answer,
  fingerprintOf,
  IDEMPOTENCY_KEY,
  IDEMPOTENT_REPLAYED,
  idempotent,
} from '../requests/idempotency.ts';
import { PREFER_WAIT, PREFERENCE_APPLIED, preferredWait, waitAsPreferred } from '../requests/wait.ts';
import { batchBody, submittedTask, submittedTasks } from '../schemas/tasks.ts';
import { tellAccepted } from './accepted.ts';

/** `POST /tasks` and `POST /tasks/batch`. */
export function submitRoutes(api: Operations, { database, catalogue, finishes, observe }: AppParts): void {
  const findTask = taskFinder(orm(database));
  const submissions = new Submissions(database, { accepted: (tasks) => tellAccepted(observe, tasks) });

  api.on(
    {
      method: 'post',
      path: '/api/v1/tasks/batch',
      operationId: 'submitTasks',
      summary: 'Submit up to 1000 tasks, all or none',
      tag: 'tasks',
      role: 'operator',
      body: batchBody,
      requestHeaders: { 'Idempotency-Key': IDEMPOTENCY_KEY },
      problems: [409],
      answers: {
        201: {
          description: 'The tasks, in the order of the body',
          schema: submittedTasks,
          headers: { 'Idempotent-Replayed': IDEMPOTENT_REPLAYED },
        },
      },
    },
    (c, { body }) =>
      submitAll(c, body, {
        asked: body.tasks,
        pointerTo: (index) => `/tasks/${index}`,
        toAnswer: (submitted) => ({ status: 201, body: { items: submitted.map(toVisible) } }),
      }),
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
      requestHeaders: { Prefer: PREFER_WAIT, 'Idempotency-Key': IDEMPOTENCY_KEY },
      problems: [409],
      answers: {
        200: {
          description: 'The same work was there already: that task, with one more retry',
          schema: submittedTask,
          headers: {
            Location: LOCATION,
            'Preference-Applied': PREFERENCE_APPLIED,
            'Idempotent-Replayed': IDEMPOTENT_REPLAYED,
          },
        },
        201: {
          description: 'The new task. It is committed',
          schema: submittedTask,
          headers: {
            Location: LOCATION,
            'Preference-Applied': PREFERENCE_APPLIED,
            'Idempotent-Replayed': IDEMPOTENT_REPLAYED,
          },
        },
      },
    },
    (c, { body }) =>
      submitAll(c, body, {
        asked: [body],
        pointerTo: () => '',
        toAnswer: ([submitted]) => toAnswer(submitted as Submitted),
        waitSeconds: preferredWait(c),
      }),
  );

  async function submitAll(c: Context, body: unknown, request: SubmitRequest): Promise<Response> {
    const { asked, pointerTo, toAnswer, waitSeconds } = request;
    const names = asked.map(({ type }) => type);
    const { traceparent, around } = startSubmitSpan(names, c.req.header('traceparent'));
    const traced = traceparent === null ? asked : asked.map((submission) => ({ ...submission, traceparent }));
    const types = await catalogue.find(names); // Before there is a transaction.
    const hide = ({ task, deduplicated }: Submitted) => ({ task: hideSecrets(task, types), deduplicated });
    let submitted: Submitted[] = [];
    const options = {
      database,
      fingerprint: () => fingerprintOf(body),
      committed: () => {
        tellAccepted(observe, submitted);
        wakeSoon(submitted);
      },
      wait:
        waitSeconds === undefined
          ? undefined
          : { seconds: waitSeconds, answer: () => finished(c, submitted) },
    };
    return idempotent(c, options, async (client) => {
      try {
        // What is wrong matters only here, where the request is not a repeat.
        const tasks = check(types, traced, c.get('caller').actor);
        submitted = await around(
          () => insertAll(traced, tasks, client),
          (all) => all.map(({ task }) => task.id),
        );
      } catch (error) {
        throw error instanceof SubmissionError ? refusal(error, pointerTo) : error;
      }
      return toAnswer(submitted.map(hide));
    });
  }

  /**
   * Without a client together with other callers' tasks, unless they depend on others. What is committed then is told
   * at once; what a client inserts, its transaction has yet to commit.
   */
  async function insertAll(
    asked: readonly Submission[],
    tasks: readonly NewTask[],
    client: pg.PoolClient | undefined,
  ): Promise<Submitted[]> {
    if (!asked.some(hasDependencies)) {
      return client === undefined ? submissions.insert(tasks) : insert(client, tasks, false);
    }
    const wakes = client === undefined;
    const submitted = await submitDependent(client ?? database, asked, (own) => insert(own, tasks, wakes));
    if (client === undefined) tellAccepted(observe, submitted);
    return submitted;
  }

  /** Nobody waits for it: runners also look by themselves. */
  function wakeSoon(submitted: readonly Submitted[]): void {
    wake(database, submitted).catch((error) =>
      observe({ event: 'database_error', during: 'waking the runners', ...describe(error) }),
    );
  }

  /** The task when it has finished, or the wait is over. */
  async function finished(c: Context, [submitted]: readonly Submitted[]): Promise<Answer | undefined> {
    const { task, deduplicated } = submitted as Submitted;
    if (!(await waitAsPreferred(c, finishes, task))) return undefined;
    const now = await findTask(task.id);
    return now && toAnswer({ task: hideSecrets(now, await catalogue.find([])), deduplicated });
  }
}

interface SubmitRequest {
  asked: readonly Submission[];
  /** The place of a submission in the body. */
  pointerTo: (index: number) => string;
  toAnswer: (submitted: readonly Submitted[]) => Answer;
  /** For how long a single task is waited for. */
  waitSeconds?: number | undefined;
}

const LOCATION = 'The address of the task';

function toAnswer(submitted: Submitted): Answer {
  return {
    status: submitted.deduplicated ? 200 : 201,
    location: `/api/v1/tasks/${submitted.task.id}`,
    body: toVisible(submitted),
  };
}

function toVisible({ task, deduplicated }: Submitted) {
  return deduplicated ? { ...task, deduplicated } : task;
}
