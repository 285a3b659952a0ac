import type { Context, Hono } from 'hono';
import { Fresh } from '../database/statistics/fresh.ts';
import { readStatistics } from '../database/statistics/read.ts';
import { readUpkeep } from '../database/statistics/upkeep.ts';
import { tellBoth } from '../observe/events.ts';
import { ApiMetrics } from '../observe/metrics/api.ts';
import { guard } from './access/guard.ts';
import { refuseOtherMethods } from './answers/method-not-allowed.ts';
import { createBase } from './base.ts';
import { Operations } from './contract/operations.ts';
import type { AppParts } from './parts.ts';
import { badParameter } from './requests/query.ts';
import { bulkRoutes } from './routes/bulk.ts';
import { documentSearchRoutes } from './routes/document-search.ts';
import { documentationRoutes } from './routes/documentation.ts';
import { documentRoutes } from './routes/documents.ts';
import { factRoutes } from './routes/facts.ts';
import { healthRoutes } from './routes/health.ts';
import { homeRoute } from './routes/home.ts';
import { measureRequests, metricsRoute } from './routes/metrics.ts';
import { periodicTaskRoutes } from './routes/periodic-tasks.ts';
import { runnerRoutes } from './routes/runners.ts';
import { statisticsRoutes } from './routes/statistics.ts';
import { submitRoutes } from './routes/submit.ts';
import { taskHistoryRoutes } from './routes/task-history.ts';
import { taskLogRoute } from './routes/task-log.ts';
import { taskTypeRoutes } from './routes/task-types.ts';
import { taskRoutes } from './routes/tasks.ts';

/** The whole HTTP API. It listens nowhere: `app.request()` calls it, or a server. */
export function createApp(given: AppParts): Hono {
  const { database } = given;
  const statistics = new Fresh(() => readStatistics(database));
  const upkeep = new Fresh(() => readUpkeep(database));
  const metrics = new ApiMetrics({
    pool: database,
    statistics: () => statistics.get(),
    upkeep: () => upkeep.get(),
  });
  const parts = { ...given, observe: tellBoth(given.observe, (event) => metrics.note(event)) };

  const app = createBase(parts.observe);
  app.use(measureRequests(metrics));
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
  documentSearchRoutes(api, parts);
  documentRoutes(api, parts);
  factRoutes(api, parts);
  taskTypeRoutes(api, parts);
  periodicTaskRoutes(api, parts);
  runnerRoutes(api, parts);
  statisticsRoutes(api, statistics);
  metricsRoute(api, metrics.registry);
  documentationRoutes(api);

  refuseOtherMethods(app);
  return app;
}

/** PostgreSQL can compare nothing with a NUL character. */
function refuseNul(c: Context, next: () => Promise<void>): Promise<void> {
  if (c.req.url.includes('%00')) throw badParameter('the address holds a NUL character');
  return next();
}
