import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isServerOf } from './processes.ts';

export interface ServerProcess {
  pid: number;
  port: number;
  status: 'starting' | 'ready' | 'stopping';
}

/** The server that runs in a data directory, if one does. What a dead one left behind does not count. */
export async function findServer(cluster: string): Promise<ServerProcess | undefined> {
  const noted = await notedServer(cluster);
  return noted !== undefined && (await isServerOf(cluster, noted.pid)) ? noted : undefined;
}

/** The server that postmaster.pid names, which may be long gone. */
export async function notedServer(cluster: string): Promise<ServerProcess | undefined> {
  return parsePostmasterPid(await readPostmasterPid(cluster));
}

async function readPostmasterPid(cluster: string): Promise<string> {
  try {
    return await readFile(join(cluster, 'postmaster.pid'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Line 1 is the process, 4 its port, 8 its status; a server that starts writes them one after another. */
export function parsePostmasterPid(text: string): ServerProcess | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const status = lines[7];
  return {
    pid,
    port: Number(lines[3] ?? 0),
    status: status === 'ready' || status === 'stopping' ? status : 'starting',
  };
}
