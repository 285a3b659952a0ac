import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../../is-alive.ts';
import { EXIT, MigrationError } from '../error.ts';

/**
 * Runs `work` while no other process of this machine makes a pair in the same folder: two at once would choose one id.
 * @throws MigrationError when another one is not done in time
 */
export async function soleMaker<T>(
  migrations: string,
  timeoutSeconds: number,
  work: () => Promise<T>,
): Promise<T> {
  const file = join(migrations, '.generate.pid');
  const deadline = performance.now() + timeoutSeconds * 1000;
  while (!(await take(file))) {
    const holder = Number(await readFile(file, 'utf8').catch(() => ''));
    if (holder > 0 && !isAlive(holder)) await rm(file, { force: true });
    else if (performance.now() > deadline) throw notFree(file, holder);
    else await sleep(50);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<boolean> {
  try {
    await writeFile(file, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new MigrationError(EXIT.filesInvalid, `nothing can be written there: ${message}`, { cause: error });
  }
}

function notFree(file: string, holder: number): MigrationError {
  const message = `another --generate (pid ${holder}) is at work; if that is not so, remove ${file}`;
  return new MigrationError(EXIT.lockNotObtained, message);
}
