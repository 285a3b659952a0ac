import type { Context, Hono } from 'hono';
import { Fresh } from '../database/statistics/fresh.ts';
import { readStatistics } from '../database/statistics/read.ts';
import { readUpkeep } from '../database/statistics/upkeep.ts';
import { tellBoth } from '../observe/events.ts';
import { ApiMetrics } from '../observe/metrics/api.ts';
import { guard } from './access/guard.ts';
import { createBase } from './base.ts';
import { bulkRoutes } from './bulk.ts';
import { documentationRoutes } from './documentation.ts';
import { documentRoutes } from './documents.ts';
import { factRoutes } from './facts.ts';
import { healthRoutes } from './health.ts';
import { homeRoute } from './home.ts';
import { refuseOtherMethods } from './method-not-allowed.ts';
import { measureRequests, metricsRoute } from './metrics.ts';
import { Operations } from './operations.ts';
import type { AppParts } from './parts.ts';
import { periodicTaskRoutes } from './periodic-tasks.ts';
import { badParameter } from './query.ts';
import { runnerRoutes } from './runners.ts';
import { statisticsRoutes } from './statistics.ts';
import { submitRoutes } from './submit.ts';
import { taskHistoryRoutes } from './task-history.ts';
import { taskLogRoute } from './task-log.ts';
import { taskTypeRoutes } from './task-types.ts';
import { taskRoutes } from './tasks.ts';

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
