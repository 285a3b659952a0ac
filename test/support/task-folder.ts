import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryDirectory } from './temporary-directory.ts';

/** A folder of task files somewhere outside of the project, which goes with the test. */
export async function taskFolder(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await temporaryDirectory();
  t.after(async () => {
    await chmod(folder, 0o755);
    await rm(folder, { recursive: true, force: true });
  });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

/** The text of a task file: what its definition holds beside a payload and a run. */
export function databaseTask(definition = ''): string {
  return `import { z } from 'zod';
import { defineDatabaseTask } from 'heddle/define';
export default defineDatabaseTask({ payload: z.object({}), run() {}, ${definition} });`;
}

export function periodicTask(definition: string): string {
  return `import { definePeriodicTask } from 'heddle/define';
export default definePeriodicTask({ run() {}, ${definition} });`;
}
