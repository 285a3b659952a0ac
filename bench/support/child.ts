import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A Node process of its own; it ends when this one does. */
export function startChild(script: URL, args: readonly string[]): ChildProcess {
  return fork(script, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

/**
 * Runs a script that sends two messages: that it is ready to measure, and, when it was told to go, what it measured.
 * @param ready is called in between
 * @param measured is called as soon as it has measured
 * @throws Error when it ends without
 */
export async function measureInChild<T>(
  script: URL,
  args: readonly string[],
  { ready, measured }: { ready(): void; measured(): void } = { ready() {}, measured() {} },
): Promise<T> {
  const child = startChild(script, args);
  const ended = once(child, 'exit');
  await nextMessage(child);
  ready();
  child.send('go');
  const message = await nextMessage<T>(child);
  measured();
  await ended;
  return message;
}

/** In such a script: resolves when it is to measure. */
export async function toldToGo(): Promise<void> {
  const told = once(process, 'message');
  process.send?.('ready');
  await told;
}

/** @throws Error when the process ends instead */
export async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const died = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${child.spawnargs.join(' ')} ended with ${code ?? signal}`);
  });
  died.catch(() => {}); // It ends some time, also after its message.
  const [message] = (await Promise.race([once(child, 'message'), died])) as [T];
  return message;
}
