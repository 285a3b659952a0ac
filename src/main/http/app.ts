import { type Context, Hono } from 'hono';
import { authenticate, authorize } from './auth.ts';
import { documentRoutes } from './documents.ts';
import { answerFailure } from './failures.ts';
import { healthRoutes } from './health.ts';
import { homeRoutes } from './home.ts';
import { refuseOtherMethods } from './method-not-allowed.ts';
import type { AppParts } from './parts.ts';
import { periodicTaskRoutes } from './periodic-tasks.ts';
import { answerProblem, Problem } from './problem.ts';
import { badParameter } from './query.ts';
import { runnerRoutes } from './runners.ts';
import { submitRoutes } from './submit.ts';
import { taskHistoryRoutes } from './task-history.ts';
import { taskTypeRoutes } from './task-types.ts';
import { taskRoutes } from './tasks.ts';

const API = '/api/v1';

/** The whole HTTP API. It listens nowhere: `app.request()` calls it, or a server. */
export function createApp(parts: AppParts): Hono {
  const app = new Hono();
  app.onError(answerFailure(parts.observe));
  app.notFound(answerNotFound);
  app.use(refuseNul);
  app.use(`${API}/*`, authenticate(parts.config.http.tokens), authorize);

  app.route('/', homeRoutes());
  app.route('/', healthRoutes(parts));
  app.route(API, submitRoutes(parts));
  app.route(API, taskRoutes(parts));
  app.route(API, taskHistoryRoutes(parts));
  app.route(API, documentRoutes(parts));
  app.route(API, taskTypeRoutes(parts));
  app.route(API, periodicTaskRoutes(parts));
  app.route(API, runnerRoutes(parts));

  refuseOtherMethods(app);
  return app;
}

/** PostgreSQL can compare nothing with a NUL character. */
async function refuseNul(c: Context, next: () => Promise<void>): Promise<void> {
  if (c.req.url.includes('%00')) throw badParameter('the address holds a NUL character');
  await next();
}

function answerNotFound(c: Context): Response {
  return answerProblem(c, new Problem(404, 'not-found', 'Not found', `There is nothing at ${c.req.path}.`));
}
