import type { Context, Hono } from 'hono';
import { guard } from './access/guard.ts';
import { createBase } from './base.ts';
import { bulkRoutes } from './bulk.ts';
import { documentationRoutes } from './documentation.ts';
import { documentRoutes } from './documents.ts';
import { factRoutes } from './facts.ts';
import { healthRoutes } from './health.ts';
import { homeRoute } from './home.ts';
import { refuseOtherMethods } from './method-not-allowed.ts';
import { Operations } from './operations.ts';
import type { AppParts } from './parts.ts';
import { periodicTaskRoutes } from './periodic-tasks.ts';
import { badParameter } from './query.ts';
import { runnerRoutes } from './runners.ts';
import { submitRoutes } from './submit.ts';
import { taskHistoryRoutes } from './task-history.ts';
import { taskLogRoute } from './task-log.ts';
import { taskTypeRoutes } from './task-types.ts';
import { taskRoutes } from './tasks.ts';

/** The whole HTTP API. It listens nowhere: `app.request()` calls it, or a server. */
export function createApp(parts: AppParts): Hono {
  const app = createBase(parts.observe);
  guard(app, parts.config.http, parts.observe);
  app.use(refuseNul);

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

/** PostgreSQL can compare nothing with a NUL character. */
function refuseNul(c: Context, next: () => Promise<void>): Promise<void> {
  if (c.req.url.includes('%00')) throw badParameter('the address holds a NUL character');
  return next();
}
