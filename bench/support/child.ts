import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A Node process of its own; it ends when this one does. */
export function startChild(script: URL, args: readonly string[]): ChildProcess {
  return fork(script, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

/** Runs a script that sends one message: what it measured. @throws Error when it ends without */
export async function measureInChild<T>(script: URL, args: readonly string[]): Promise<T> {
  const child = startChild(script, args);
  const ended = once(child, 'exit');
  const message = await nextMessage<T>(child);
  await ended;
  return message;
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
