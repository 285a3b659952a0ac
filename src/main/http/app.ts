import { type Context, Hono } from 'hono';
import { authenticate } from './auth.ts';
import { bulkRoutes } from './bulk.ts';
import { documentationRoutes } from './documentation.ts';
import { documentRoutes } from './documents.ts';
import { factRoutes } from './facts.ts';
import { answerFailure } from './failures.ts';
import { healthRoutes } from './health.ts';
import { homeRoute } from './home.ts';
import { refuseOtherMethods } from './method-not-allowed.ts';
import { Operations } from './operations.ts';
import type { AppParts } from './parts.ts';
import { periodicTaskRoutes } from './periodic-tasks.ts';
import { answerProblem, Problem } from './problem.ts';
import { badParameter } from './query.ts';
import { runnerRoutes } from './runners.ts';
import { submitRoutes } from './submit.ts';
import { taskHistoryRoutes } from './task-history.ts';
import { taskLogRoute } from './task-log.ts';
import { taskTypeRoutes } from './task-types.ts';
import { taskRoutes } from './tasks.ts';

/** The whole HTTP API. It listens nowhere: `app.request()` calls it, or a server. */
export function createApp(parts: AppParts): Hono {
  const app = new Hono();
  app.onError(answerFailure(parts.observe));
  app.notFound(answerNotFound);
  app.use(refuseNul);
  for (const path of GUARDED) app.use(path, authenticate(parts.config.http.tokens));

  const api = new Operations(app, parts.config.http);
  homeRoute(app);
  healthRoutes(api, parts);
  submitRoutes(api, parts);
  taskRoutes(api, parts);
  bulkRoutes(api, parts);
  taskHistoryRoutes(api, parts);
  taskLogRoute(api, parts);
  documentRoutes(api, parts);
  factRoutes(api, parts);
  taskTypeRoutes(api, parts);
  periodicTaskRoutes(api, parts);
  runnerRoutes(api, parts);
  documentationRoutes(api);

  refuseOtherMethods(app);
  return app;
}

/** What asks who calls, also where there is nothing: a stranger does not learn what there is. */
const GUARDED = ['/api/v1/*', '/metrics', '/openapi.json', '/docs', '/docs/*'];

/** PostgreSQL can compare nothing with a NUL character. */
async function refuseNul(c: Context, next: () => Promise<void>): Promise<void> {
  if (c.req.url.includes('%00')) throw badParameter('the address holds a NUL character');
  await next();
}

function answerNotFound(c: Context): Response {
  return answerProblem(c, new Problem(404, 'not-found', 'Not found', `There is nothing at ${c.req.path}.`));
}
