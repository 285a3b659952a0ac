import type { Config } from '../config.ts';
import { runningEmbedded, startEmbedded } from '../database/embedded/start.ts';

/**
 * Does something with the database that is meant: the configured one, else the embedded one of `heddle start`, which
 * is started for the time being when it does not run.
 * @throws EmbeddedDatabaseError
 */
export async function withDatabase<T>(config: Config, work: (url: string) => Promise<T>): Promise<T> {
  const { dataDir, listenUrl } = config.database;
  const running = listenUrl ?? (await runningEmbedded(dataDir));
  if (running !== undefined) return work(running);
  const embedded = await startEmbedded({ dataDir, observe: () => {} });
  try {
    return await work(embedded.url);
  } finally {
    await embedded.stop();
  }
}
