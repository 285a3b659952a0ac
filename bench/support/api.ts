import type { Hono } from 'hono';
import { readConfig } from '../../src/main/config.ts';
import { connect } from '../../src/main/database/connect.ts';
import { FinishWatch } from '../../src/main/engine/finish-watch.ts';
import { TaskTypeCatalogue } from '../../src/main/engine/task-types.ts';
import { TaskWatch } from '../../src/main/engine/task-watch.ts';
import { createApp } from '../../src/main/http/app.ts';
import { pendingMigrations } from '../../src/main/migrate/pending.ts';

/** An API that listens nowhere, and has no connection to its database before it needs one. */
export async function openApi(
  databaseUrl: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ app: Hono; stop(): Promise<void> }> {
  const observe = () => {};
  const database = connect(databaseUrl, 'heddle bench', observe);
  const finishes = new FinishWatch(database, observe);
  const watch = new TaskWatch(database, observe);
  const catalogue = new TaskTypeCatalogue(database);
  const app = createApp({
    config: readConfig(env),
    database,
    catalogue,
    observe,
    finishes,
    watch,
    pendingMigrations,
  });
  return {
    app,
    async stop() {
      finishes.stop();
      watch.stop();
      await database.end();
    },
  };
}
