import { Hono } from 'hono';
import { orm } from '../database/orm.ts';
import { countLiveRunners } from '../database/runners.ts';
import { Fresh } from '../database/statistics/fresh.ts';
import { readStatistics } from '../database/statistics/read.ts';
import { readUpkeep } from '../database/statistics/upkeep.ts';
import { tellBoth } from '../observe/events.ts';
import { ApiMetrics } from '../observe/metrics/api.ts';
import { guard } from './access/guard.ts';
import { answerWithoutRoute } from './answers/no-route.ts';
import { Operations } from './contract/operations.ts';
import { StaticFirstRouter } from './contract/router.ts';
import { Entrance } from './entrance.ts';
import type { AppParts } from './parts.ts';
import { agentRoutes } from './routes/agents.ts';
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
import { uploadRoute } from './routes/upload-document.ts';

/** The whole HTTP API. It listens nowhere: `app.request()` calls it, or a server. */
export function createApp(given: AppParts): Hono {
  const { database } = given;
  const statistics = new Fresh(() => readStatistics(database));
  const upkeep = new Fresh(() => readUpkeep(database));
  const runners = new Fresh(() => countLiveRunners(orm(database)));
  const metrics = new ApiMetrics({
    pool: database,
    statistics: () => statistics.get(),
    upkeep: () => upkeep.get(),
    runners: () => runners.get(),
  });
  const parts = { ...given, observe: tellBoth(given.observe, (event) => metrics.note(event)) };

  const { http } = parts.config;
  const entrance = new Entrance({
    observe: parts.observe,
    guard: guard(http, parts.observe),
    answered: measureRequests(metrics),
  });
  const app = new Hono({ router: new StaticFirstRouter() });
  const api = new Operations(app, entrance, http);
  homeRoute(api);
  healthRoutes(api, parts);
  submitRoutes(api, parts);
  taskRoutes(api, parts);
  bulkRoutes(api, parts);
  taskHistoryRoutes(api, parts);
  taskLogRoute(api, parts);
  uploadRoute(api, parts);
  documentSearchRoutes(api, parts);
  documentRoutes(api, parts);
  factRoutes(api, parts);
  agentRoutes(api, parts);
  taskTypeRoutes(api, parts);
  periodicTaskRoutes(api, parts);
  runnerRoutes(api, parts);
  statisticsRoutes(api, statistics);
  metricsRoute(api, metrics.registry, parts.runnerMetrics);
  documentationRoutes(api);

  answerWithoutRoute(app, entrance);
  return app;
}
