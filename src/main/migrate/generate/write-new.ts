import { randomBytes } from 'node:crypto';
import { link, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EXIT, MigrationError } from '../error.ts';

/**
 * Writes files that are not there yet. Each appears with all its content or not at all.
 * @throws MigrationError when one of them is there; those before it are taken away again
 */
export async function writeNew(files: readonly { path: string; text: string }[]): Promise<void> {
  const written: string[] = [];
  try {
    for (const { path, text } of files) {
      await writeOne(path, text);
      written.push(path);
    }
  } catch (error) {
    await Promise.all(written.map((path) => rm(path)));
    throw error;
  }
}

async function writeOne(path: string, text: string): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}`);
  try {
    await writeFile(draft, text, { flag: 'wx' });
    // Unlike a rename, a link never takes the place of a file that is there.
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new MigrationError(EXIT.filesInvalid, `${path}: it is there already, and is not overwritten`);
  } finally {
    await rm(draft, { force: true });
  }
}
