import { readdirSync } from 'node:fs';
import { join, parse } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { z } from 'zod';
import { loading } from './attempt.ts';
import { brandOf, type DatabaseTaskDefinition, type PeriodicTaskDefinition } from './define-task.ts';
import type { LimitKeys } from './protocol.ts';
import { secretsOf } from './shared/secret-params.ts';

export type Definition = DatabaseTaskDefinition | PeriodicTaskDefinition;

/** A file in a task folder. Its name is the task type. */
export interface TaskFile {
  type: string;
  path: string;
}

/** A task as it is run: what its kind leaves out is null. */
export interface LoadedTask {
  payload: z.ZodType | null;
  result: z.ZodType | null;
  keyOf: ((payload: unknown) => string) | null;
  /** @throws whatever the task's own functions throw, or TypeError when what they return is no key */
  limitKeysOf: ((payload: unknown) => LimitKeys) | null;
  /** The values that are secret, of params of a type that marks some. */
  secretsIn(params: unknown): Promise<string[]>;
  run(context: unknown): unknown;
}

/**
 * The task files of the folders, in their order. Sub-folders and files that begin with `_` are helpers.
 * @throws Error when a folder cannot be read
 */
export function listTaskFiles(folders: readonly string[]): TaskFile[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && /^[^_.].*\.m?js$/.test(entry.name))
      .map((entry) => ({ type: parse(entry.name).name, path: join(folder, entry.name) }))
      .sort((a, b) => (a.type < b.type ? -1 : 1)),
  );
}

/** Imports a task file. @throws Error when it does not load, or exports something else */
export async function importTask(path: string): Promise<Definition> {
  const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
  const kind = brandOf(module.default);
  if (kind !== 'database' && kind !== 'periodic') {
    throw new Error(
      'its default export is not a task: export default defineDatabaseTask({ … }) or definePeriodicTask({ … })',
    );
  }
  return module.default as Definition;
}

/** The tasks a thread has loaded: each at its first run. */
export class TaskFiles {
  readonly folders: readonly string[];
  readonly #loaded = new Map<string, LoadedTask>();

  constructor(folders: readonly string[]) {
    this.folders = folders;
  }

  /** What `load` has loaded. */
  loaded(type: string): LoadedTask | undefined {
    return this.#loaded.get(type);
  }

  /** @throws Error when there is no such file, or it does not load */
  async load(type: string): Promise<LoadedTask> {
    const loaded = this.loaded(type);
    if (loaded !== undefined) return loaded;
    const file = listTaskFiles(this.folders).find((candidate) => candidate.type === type);
    if (file === undefined) throw new Error(`there is no task file '${type}' any more`);
    const task = toLoadedTask(await loading(() => importTask(file.path)));
    this.#loaded.set(type, task);
    return task;
  }
}

function toLoadedTask(definition: Definition): LoadedTask {
  const run = definition.run.bind(definition) as LoadedTask['run'];
  if (!isDatabaseTask(definition))
    return {
      payload: null,
      result: null,
      keyOf: null,
      limitKeysOf: null,
      secretsIn: async () => [],
      run,
    };
  const { payload, result, deduplicate } = definition;
  const keyOf =
    typeof deduplicate === 'function'
      ? (value: unknown) => storableKey('deduplicate', deduplicate(value))
      : null;
  let schema: Record<string, unknown> | undefined;
  const secretsIn = async (params: unknown) => {
    schema ??= await inputSchema(payload);
    return secretsOf(params, schema);
  };
  return { payload, result: result ?? null, keyOf, limitKeysOf: limitKeysOf(definition), secretsIn, run };
}

/**
 * What params have to be, as JSON Schema. zod is imported here alone: most threads need no JSON Schema.
 * @param unrepresentable what to do about that which cannot be expressed: anything goes there
 * @throws Error when it cannot be expressed
 */
export async function inputSchema(
  payload: z.ZodType,
  unrepresentable: 'throw' | 'any' = 'throw',
): Promise<Record<string, unknown>> {
  const { z } = await import('zod');
  return z.toJSONSchema(payload, { io: 'input', unrepresentable });
}

function limitKeysOf({ concurrencyKey, rateLimit }: DatabaseTaskDefinition): LoadedTask['limitKeysOf'] {
  const rateKey = rateLimit?.key;
  if (concurrencyKey === undefined && rateKey === undefined) return null;
  return (payload) => ({
    concurrency: concurrencyKey === undefined ? '' : storableKey('concurrencyKey', concurrencyKey(payload)),
    rate: rateKey === undefined ? '' : storableKey('rateLimit.key', rateKey(payload)),
  });
}

/** @throws TypeError when it is not what the column and its index can hold */
function storableKey(name: string, key: unknown): string {
  if (
    typeof key === 'string' &&
    key.length >= 1 &&
    key.length <= 255 &&
    !key.includes('\0') &&
    key.isWellFormed()
  )
    return key;
  throw new TypeError(`${name} must return a string of 1 to 255 characters that PostgreSQL can hold`);
}

export function isDatabaseTask(definition: Definition): definition is DatabaseTaskDefinition {
  return brandOf(definition) === 'database';
}
