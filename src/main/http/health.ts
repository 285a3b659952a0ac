import { setTimeout as after } from 'node:timers/promises';
import { type Context, Hono } from 'hono';
import { orm } from '../database/orm.ts';
import { hasLiveRunner } from '../database/runners.ts';
import { version } from '../package-root.ts';
import type { AppParts } from './parts.ts';

/** What `/health` says besides the version. */
interface Health {
  status: 'ok' | 'degraded' | 'unavailable';
  database: 'ok' | 'away';
  migrations: 'ok' | 'pending' | 'unknown';
  runner: 'ok' | 'none' | 'unknown';
}

/** `/health`, `/readyz` and `/health/live`, at the root and for everybody. */
export function healthRoutes({
  database,
  pendingMigrations,
}: Pick<AppParts, 'database' | 'pendingMigrations'>): Hono {
  const reads = orm(database);

  return new Hono()
    .get('/health/live', (c) => c.json({ status: 'ok', version }))
    .get('/health', answer)
    .get('/readyz', answer);

  async function answer(c: Context): Promise<Response> {
    const patience = new AbortController();
    const tooLate = after(PATIENCE_MS, AWAY, { signal: patience.signal }).catch(() => AWAY);
    const { status, ...details } = await Promise.race([look().catch(() => AWAY), tooLate]);
    patience.abort();
    return c.json({ status, version, ...details }, status === 'unavailable' ? 503 : 200);
  }

  async function look(): Promise<Health> {
    const pending = await pendingMigrations(database);
    if (pending.length > 0) {
      return { status: 'unavailable', database: 'ok', migrations: 'pending', runner: 'unknown' };
    }
    return (await hasLiveRunner(reads))
      ? { status: 'ok', database: 'ok', migrations: 'ok', runner: 'ok' }
      : { status: 'degraded', database: 'ok', migrations: 'ok', runner: 'none' };
  }
}

/** A load balancer does not wait as long as a connection attempt may take. */
const PATIENCE_MS = 3000;

const AWAY: Health = { status: 'unavailable', database: 'away', migrations: 'unknown', runner: 'unknown' };
