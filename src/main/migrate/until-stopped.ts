import { once } from 'node:events';
import { onStopSignals } from '../signals.ts';
import { MigrationError } from './error.ts';

/**
 * Lets `work` end itself when a signal comes, so that what it has made or started goes with it. A second signal leaves
 * at once.
 * @param message what is said of it then
 */
export async function untilStopped<T>(message: string, work: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const off = onStopSignals((signal) => {
    const exitCode = signal === 'SIGINT' ? 130 : 143;
    if (stop.signal.aborted) process.exit(exitCode);
    stop.abort(new MigrationError(exitCode, `stopped by ${signal}${message}`));
  });
  try {
    return await work(stop.signal);
  } finally {
    off();
  }
}

/**
 * What `work` comes to, unless the stop is earlier: then it is left to its fate, which the end of the process seals.
 * @throws the stop's reason
 */
export async function orStopped<T>(stop: AbortSignal, work: () => Promise<T>): Promise<T> {
  stop.throwIfAborted();
  const stopped = once(stop, 'abort').then(() => Promise.reject(stop.reason));
  return Promise.race([work(), stopped]);
}
