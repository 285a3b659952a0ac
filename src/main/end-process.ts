/**
 * Ends this process at once, with an exit code. `process.exit` waits for every thread, and one that is in a native call
 * ends when that returns. Before Node 22.15, which can replace the process by another program, there is only SIGKILL
 * for that, and the exit code is lost.
 * @param threadsRun whether threads may be running something
 */
export function endProcess(exitCode: number, threadsRun: boolean): never {
  if (!threadsRun) process.exit(exitCode);
  const { execve } = process as typeof process & { execve?: (file: string, args: string[]) => never };
  execve?.('/bin/sh', ['sh', '-c', `exit ${exitCode}`]);
  process.kill(process.pid, 'SIGKILL');
  throw new Error('a killed process cannot come here');
}

/** The runner could not go on in this process, and is to be started again: EX_TEMPFAIL of sysexits.h. */
export const START_AGAIN = 75;
