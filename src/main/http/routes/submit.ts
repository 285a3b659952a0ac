import type { Context } from 'hono';
import type pg from 'pg';
import { startSubmitSpan } from '../../../workers/shared/tracing.ts';
import { describe } from '../../database/errors.ts';
import { type Done, type KeyedRequest, once } from '../../database/idempotency.ts';
import { orm } from '../../database/orm.ts';
import { taskFinder } from '../../database/tasks.ts';
import { check } from '../../engine/check.ts';
import type { NewTask } from '../../engine/new-task.ts';
import { submissionBody } from '../../engine/submission.ts';
import { SubmissionError } from '../../engine/submission-error.ts';
import { Submissions } from '../../engine/submissions.ts';
import { KeyedSubmissions } from '../../engine/submissions-keyed.ts';
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
  type IdempotentOptions,
  idempotent,
  toKept,
} from '../requests/idempotency.ts';
import { PREFER_WAIT, PREFERENCE_APPLIED, preferredWait, waitAsPreferred } from '../requests/wait.ts';
import { batchBody, submittedTask, submittedTasks } from '../schemas/tasks.ts';
import { tellAccepted } from './accepted.ts';

/** `POST /tasks` and `POST /tasks/batch`. */
export function submitRoutes(api: Operations, { database, catalogue, finishes, observe }: AppParts): void {
  const findTask = taskFinder(orm(database));
  const accepted = (tasks: readonly Submitted[]) => tellAccepted(observe, tasks);
  const submissions = new Submissions(database, { accepted });
  const keyedSubmissions = new KeyedSubmissions(database, { accepted });

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
    const isDependent = asked.some(hasDependencies);
    let submitted: Submitted[] = [];
    const idsOf = (all: readonly Submitted[]) => all.map(({ task }) => task.id);
    const answerFor = (all: Submitted[]) => {
      submitted = all;
      return toAnswer(all.map(hide));
    };
    const options: IdempotentOptions = {
      database,
      fingerprint: () => fingerprintOf(body),
      ...(isDependent ? { committed: () => tell(submitted) } : { once: insertOnce }),
      wait:
        waitSeconds === undefined
          ? undefined
          : { seconds: waitSeconds, answer: () => finished(c, submitted) },
    };
    return idempotent(c, options, async (client) => {
      try {
        const tasks = check(types, traced, c.get('caller').actor);
        const insertAll = isDependent
          ? () => insertDependent(traced, tasks, client)
          : () => submissions.insert(tasks);
        return answerFor(await around(insertAll, idsOf));
      } catch (error) {
        throw asRefusal(error, pointerTo);
      }
    });

    /** Together with other callers' that have a key. What is wrong matters only where the request is not a repeat. */
    async function insertOnce(keyed: KeyedRequest): Promise<Done> {
      let tasks: NewTask[];
      try {
        tasks = check(types, traced, c.get('caller').actor);
      } catch (error) {
        return once(database, keyed, () => Promise.reject(asRefusal(error, pointerTo)));
      }
      const done = await keyedSubmissions.insert({
        ...keyed,
        tasks,
        answer: (all) => toKept(answerFor(all)),
      });
      if (!done.replayed) await around(() => Promise.resolve(submitted), idsOf);
      return done;
    }
  }

  /** What is committed then is told at once; what a client inserts, its transaction has yet to commit. */
  async function insertDependent(
    asked: readonly Submission[],
    tasks: readonly NewTask[],
    client: pg.PoolClient | undefined,
  ): Promise<Submitted[]> {
    const wakes = client === undefined;
    const submitted = await submitDependent(client ?? database, asked, (own) => insert(own, tasks, wakes));
    if (client === undefined) tellAccepted(observe, submitted);
    return submitted;
  }

  function tell(submitted: readonly Submitted[]): void {
    tellAccepted(observe, submitted);
    wakeSoon(submitted);
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

function asRefusal(error: unknown, pointerTo: (index: number) => string): unknown {
  return error instanceof SubmissionError ? refusal(error, pointerTo) : error;
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
