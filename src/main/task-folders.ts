import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from './config.ts';

/** Where task files are: the engine's own, compiled beside this file, and `TASKS_DIR`. */
export function taskFolders(config: Config): string[] {
  const own = fileURLToPath(new URL('../tasks', import.meta.url));
  return config.runner.tasksDir === undefined ? [own] : [own, resolve(config.runner.tasksDir)];
}
