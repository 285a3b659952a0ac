import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * Whether a process is a PostgreSQL of this data directory. A bare id proves nothing: after a crash it may have been
 * given to any other program. PostgreSQL makes its data directory its working directory.
 */
export async function isServerOf(cluster: string, pid: number): Promise<boolean> {
  return process.platform === 'linux' ? worksIn(cluster, pid) : wasGiven(cluster, pid);
}

/** The folder itself is compared, not its name, which another container may know it by. */
async function worksIn(cluster: string, pid: number): Promise<boolean> {
  try {
    const [folder, work] = await Promise.all([stat(cluster), stat(`/proc/${pid}/cwd`)]);
    return folder.dev === work.dev && folder.ino === work.ino;
  } catch {
    // Gone, or somebody else's.
    return false;
  }
}

async function wasGiven(cluster: string, pid: number): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
    return stdout.includes(`-D ${cluster} `);
  } catch {
    return false;
  }
}
