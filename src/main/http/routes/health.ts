import { setTimeout as after } from 'node:timers/promises';
import type { Context } from 'hono';
import type { z } from 'zod';
import { modelOf } from '../../../workers/shared/embeddings/embedder.ts';
import { orm } from '../../database/orm.ts';
import { hasLiveRunner } from '../../database/runners.ts';
import { vectorBackend } from '../../database/vector-index.ts';
import { version } from '../../package-root.ts';
import type { Operations } from '../contract/operations.ts';
import type { AppParts } from '../parts.ts';
import { health, liveness } from '../schemas/health.ts';

/** `/health`, `/readyz` and `/health/live`, at the root and for everybody. */
export function healthRoutes(
  api: Operations,
  {
    config,
    database,
    pendingMigrations,
    phase = () => 'running',
  }: Pick<AppParts, 'config' | 'database' | 'pendingMigrations' | 'phase'>,
): void {
  const reads = orm(database);
  const { embeddings } = config.documents;

  api.on(
    {
      method: 'get',
      path: '/health/live',
      operationId: 'getLiveness',
      summary: 'Ask whether the process lives',
      tag: TAG,
      role: 'anybody',
      answers: { 200: { description: 'It does', schema: liveness } },
    },
    (c) => c.json({ status: 'ok', version }),
  );
  readiness('/health', 'getHealth');
  readiness('/readyz', 'getReadiness');

  function readiness(path: string, operationId: string): void {
    api.on(
      {
        method: 'get',
        path,
        operationId,
        summary: 'Ask whether the API can work: what a load balancer asks',
        description: 'No live runner is `degraded`, and 200.',
        tag: TAG,
        role: 'anybody',
        answers: {
          200: { description: 'It can', schema: health },
          503: {
            description:
              'The database is away, migrations are pending, or the process is starting or draining',
            schema: health,
          },
        },
      },
      answer,
    );
  }

  async function answer(c: Context): Promise<Response> {
    const patience = new AbortController();
    const tooLate = after(PATIENCE_MS, AWAY, { signal: patience.signal }).catch(() => AWAY);
    const { status: found, ...details } = await Promise.race([look().catch(() => AWAY), tooLate]);
    patience.abort();
    const now = phase();
    const status = now === 'running' ? found : now;
    return c.json({ status, version, ...details }, status === 'ok' || status === 'degraded' ? 200 : 503);
  }

  async function look(): Promise<Health> {
    const pending = await pendingMigrations(database);
    if (pending.length > 0) {
      return { ...AWAY, database: 'ok', migrations: 'pending' };
    }
    const vectors = embeddings === null ? 'none' : await vectorBackend(database, modelOf(embeddings));
    return (await hasLiveRunner(reads))
      ? { status: 'ok', database: 'ok', migrations: 'ok', runner: 'ok', vectors }
      : { status: 'degraded', database: 'ok', migrations: 'ok', runner: 'none', vectors };
  }
}

const TAG = 'health';

/** What `/health` says besides the version. */
type Health = Omit<z.infer<typeof health>, 'version'>;

/** A load balancer does not wait as long as a connection attempt may take. */
const PATIENCE_MS = 3000;

const AWAY: Health = {
  status: 'unavailable',
  database: 'away',
  migrations: 'unknown',
  runner: 'unknown',
  vectors: 'unknown',
};
