import { rm } from 'node:fs/promises';
import { Heddle } from '../../test/support/heddle.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { waitFor } from '../../test/support/wait-for.ts';

/** Lets `work` use an API as `heddle api` serves it, by its address. */
export async function withApi<T>(
  databaseUrl: string,
  work: (url: string, api: Heddle) => Promise<T>,
): Promise<T> {
  const directory = await temporaryDirectory();
  const api = new Heddle(['api'], { DATABASE_URL: databaseUrl, PORT: '0', LOG_LEVEL: 'info' }, directory);
  try {
    const listening = await waitFor('the API to listen', () => api.events('api_listening')[0], 20_000);
    return await work(listening.url as string, api);
  } finally {
    await api.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
