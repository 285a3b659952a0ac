import { realpathSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';
import type { ResolveData } from './resolve-hooks.ts';
import { initialize, resolveSync } from './resolve-hooks.ts';

/**
 * Lets the task files of foreign folders import `heddle/define` and the engine's own packages by name, wherever those
 * folders are: a volume in a container has no node_modules. What a folder does have of its own comes first.
 */
export function resolveFromEngine(folders: readonly string[]): void {
  const data: ResolveData = {
    // Node knows a module by its real path, wherever a symbolic link to its folder was.
    folders: folders.map((folder) => pathToFileURL(`${realpathSync(folder)}/`).href),
    engine: import.meta.url,
  };
  const { registerHooks } = nodeModule as Partial<SynchronousHooks>;
  if (registerHooks !== undefined) {
    initialize(data);
    registerHooks({ resolve: resolveSync });
  } else {
    // Node 20 runs hooks in a thread of their own.
    nodeModule.register('./resolve-hooks.js', import.meta.url, { data });
  }
}

/** Node 22.15 and newer. */
interface SynchronousHooks {
  registerHooks(hooks: { resolve: typeof resolveSync }): void;
}
